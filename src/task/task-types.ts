import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Claim } from "../claims/claim.js";
import type { MessageCodec } from "../wire/message-codec.js";

/** What a generated class is, or a class that extends one. */
export interface TaskClass<T extends object = object> {
  readonly schema: DescMessage;
  readonly type: string;
  /** Encodes and decodes the data faster than protobuf-es, unless it was generated with `codec=off`. */
  readonly codec?: MessageCodec;
  /** The local name of the field that supplies the task list. */
  readonly listField?: string;
  /** The local name of the field that supplies the id. */
  readonly idField?: string;
  // Parameters are contravariant: any narrower type would refuse every generated class.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  new (init: any, options?: BuildOptions): T;
}

export interface BuildOptions {
  /** What travels beside the data, such as trace context. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** By default now. */
  readonly createdAt?: Date | undefined;
}

type SchemaOf<C extends TaskClass> = C["schema"];
type ListFieldOf<C extends TaskClass> = C extends { readonly listField: infer F extends string } ? F : never;
type IdFieldOf<C extends TaskClass> = C extends { readonly idField: infer F extends string } ? F : never;

/** The fields of a message, by their names on the message. */
type Local<S extends DescMessage> = Exclude<keyof MessageShape<S>, `$${string}`>;

/** The data's fields, all optional. */
export type DataInit<S extends DescMessage> = {
  readonly [P in Local<S>]?: MessageInitShape<S>[P & keyof MessageInitShape<S>] | undefined;
};

/** The task's own two fields. */
export interface ListAndId {
  /** The task list: 1 to 512 bytes of UTF-8 without NUL. */
  readonly taskList: string;
  /** Unique in its list. By default a new UUIDv7. */
  readonly id?: string | undefined;
}

/** The task's own two fields, where one of the data's supplies the list. */
export interface OptionalListAndId {
  readonly taskList?: string | undefined;
  readonly id?: string | undefined;
}

export type KeyInit<ListField extends string> = [ListField] extends [never] ? ListAndId : OptionalListAndId;

/** Data fields named `taskList` or `id` that no option makes the task's own. */
type AmbiguousField<C extends TaskClass> = Extract<
  ("taskList" extends ListFieldOf<C> ? never : "taskList") | ("id" extends IdFieldOf<C> ? never : "id"),
  Local<SchemaOf<C>>
>;

/**
 * What `build` takes: the task's own two fields and the data's, in one object. Where the data has a field `taskList` or
 * `id` of its own, that object would be ambiguous, and the type says so.
 */
export type BuildInit<C extends TaskClass> = [AmbiguousField<C>] extends [never]
  ? KeyInit<ListFieldOf<C>> & DataInit<SchemaOf<C>>
  : AmbiguousBuild<C["type"], AmbiguousField<C>>;

/** No object fits it. It is here for the message that the compiler makes of it, the same as at run time. */
export type AmbiguousBuild<Type extends string, Field extends string> = Field extends "id"
  ? `${Type} has a field ${Field} of its own: ${Advice} id_field`
  : `${Type} has a field ${Field} of its own: ${Advice} list_field`;

type Advice = "use `new` with `data:`, or name the field with";

/** What `new` takes: the task's own two fields, and the data by itself. */
export type TaskInit<S extends DescMessage, ListField extends string = never> = KeyInit<ListField> & {
  readonly data?: DataInit<S> | MessageShape<S> | undefined;
};

/** The tasks that a list of classes makes. */
export type TaskOf<C extends TaskClass> = InstanceType<C>;

/**
 * What tasks need for their work, such as a mailer. Applications add to it, and give it to their data interface:
 *
 *     declare module "taskledger" {
 *       interface Services { readonly mailer: Mailer }
 *     }
 *     new DataInterface({ types, adapter, services: { mailer } });
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications add to it
export interface Services {}

/** What `execute` is given. `services` need not be given by who calls it by hand, unless an application has added some. */
export type ExecuteContext = {
  /** Aborted when the work should stop. */
  readonly signal: AbortSignal;
  /** The claim under which the task is done, if it was claimed. */
  readonly claim?: Claim | undefined;
  /** Which attempt this is, from 1, if attempts are counted. */
  readonly attempt?: number | undefined;
} & ([keyof Services] extends [never] ? { readonly services?: Services } : { readonly services: Services });
