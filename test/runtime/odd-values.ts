/** What a program may throw, or hand in, that hardly anything can be done with: to look at it throws. */

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const fail = (): never => {
  throw new Error("to look at this throws");
};

/** Every access fails. */
const hostileProxy = new Proxy(
  {},
  {
    get: fail,
    has: fail,
    ownKeys: fail,
    getPrototypeOf: fail,
    getOwnPropertyDescriptor: fail,
  },
);

const withAccessor = (name: PropertyKey, target: object = {}) =>
  Object.defineProperty(target, name, { get: fail, enumerable: true });

export const oddValues: Readonly<Record<string, unknown>> = {
  "an object without a prototype": Object.assign(Object.create(null), { message: "boom" }),
  "a revoked proxy": revoked(),
  "a proxy that refuses everything": hostileProxy,
  "an error whose message throws": withAccessor("message", new Error("boom")),
  "an error whose name throws": withAccessor("name", new Error("boom")),
  "an error whose code throws": withAccessor("code", Object.assign(new Error("boom"), { name: "TaskError" })),
  "an error whose message is no text": Object.assign(new Error("boom"), { message: Symbol("boom") }),
  "an object whose toString throws": { toString: fail, valueOf: fail },
  "an object that can't be made a text": { [Symbol.toPrimitive]: fail },
  "an object whose tag throws": withAccessor(Symbol.toStringTag),
  "an object whose constructor throws": withAccessor("constructor"),
  "an invalid Date": new Date(Number.NaN),
  "a symbol": Symbol("boom"),
  undefined: undefined,
  null: null,
  "a number": 5,
  "a text": "boom",
  "a function": () => "boom",
  "a lone surrogate": new Error("\ud800"),
};
