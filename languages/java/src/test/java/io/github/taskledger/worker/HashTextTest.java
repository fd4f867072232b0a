package io.github.taskledger.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts are written with ' for a quotation mark, and HIGH and LOW for the halves of a surrogate pair. */
class HashTextTest {
  private static String quoted(String text) {
    return text.replace('\'', '"');
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{'data':{'@type':'x/T'}}",
    "{'data':{'@type':'T'}}",
    " {data:{@type:T}} ",
    "/* [ */ {'data':{'@type':'T'}}",
    "{'data':{'@type':1},'data':{'@type':'T'}}",
    "{'data':{'@type':'S','@type':'T'}}",
    "{'data':{'@type':'T','data':{'@type':'S'}},'other':{'data':{'@type':'S'}}}",
  })
  void theTypeIsThatOfTheLastMemberOfItsName(String text) {
    assertEquals("T", HashText.dataType(quoted(text)));
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "", "null", "[]", "'data'", "{", "{}", "{'data':'T'}", "{'data':['@type','T']}", "{'@type':'T'}", "{'data':{'@type':1}}",
    "{'data':{'@type':true}}", "{'data':{'@type':['T']}}", "{'data':{'@type':''}}", "{'data':{'@type':'x/'}}",
    "{'data':{'@type':'T','@type':1}}", "{'data':{'@type':'T'},'data':1}", "{'data':{'@type':'T'}", "{'data':{'@type':'T'}}}",
    "{'data':{'@type':'T'}} 1", "{'data':{'@type':'T'}} // behind it"
  })
  void aTextWithoutATypeIsRefused(String text) {
    TaskException error = assertThrows(TaskException.class, () -> HashText.dataType(quoted(text)));
    assertEquals(Code.INVALID_HASH, error.code());
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "'HIGH'", "'LOW'", "'LOWHIGH'", "'HIGHHIGHLOW'", "'HIGHxLOW'", "['HIGH','LOW']", "{'HIGH':1}", "[[{'a':['LOW']}]]", "HIGH",
    "{'a':1,'a':'HIGH'}", "{'a':'HIGH','b':1}", "{'a':{'b':'HIGH'},'a':{'b':'HIGH'}}", "{'LOW':'HIGH','LOW':1}"
  })
  void aLoneSurrogateIsRefusedHoweverItIsWritten(String value) {
    for (String written : writings(value)) {
      String text = quoted("{'data':{'@type':'T'},'a':" + written + "}");
      TaskException error = assertThrows(TaskException.class, () -> HashText.dataType(text), text);
      assertEquals(Code.INVALID_HASH, error.code());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "'HIGHLOW'", "{'HIGHLOW':1}", "'\\\\udbff'", "{'a':'HIGH','a':1}", "{'a':[{'b':'LOW'}],'a':1}", "1 /* HIGH */",
    "{'a':{'b':'HIGH','b':'HIGH','b':1}}"
  })
  void whatIsNoLoneSurrogateInTheEndIsTaken(String value) {
    for (String written : writings(value)) assertEquals("T", HashText.dataType(quoted("{'data':{'@type':'T'},'a':" + written + "}")));
  }

  /** Each half by itself, or as an escape sequence. */
  private static String[] writings(String value) {
    String high = value.replace("HIGH", "\ud83d");
    String escapedHigh = value.replace("HIGH", "\\ud83D");
    return new String[] {
      high.replace("LOW", "\ude00"),
      escapedHigh.replace("LOW", "\ude00"),
      high.replace("LOW", "\\ude00"),
      escapedHigh.replace("LOW", "\\ude00")
    };
  }
}
