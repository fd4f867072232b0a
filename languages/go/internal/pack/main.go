// Command pack writes the module as a module proxy serves it (https://go.dev/ref/mod#goproxy-protocol), for
// GOPROXY=file://FOLDER: pack VERSION FOLDER, in the module's folder.
package main

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
)

const module = "github.com/taskledger/taskledger/languages/go"

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: pack VERSION FOLDER")
	}
	if err := pack(os.Args[1], filepath.Join(os.Args[2], module, "@v")); err != nil {
		log.Fatal(err)
	}
}

func pack(version, folder string) error {
	goMod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf(`{"Version":%q}`, version),
		version + ".mod":  string(goMod),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return writeZip(filepath.Join(folder, version+".zip"), module+"@"+version+"/")
}

func writeZip(path, prefix string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path, ".") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		member, err := archive.Create(prefix + filepath.ToSlash(path))
		if err != nil {
			return err
		}
		_, err = member.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return file.Close()
}
