/** The keys of a configuration as data, read from its schema. */
import { z } from "zod";
import { GAME_NAMES, GAME_OPTIONS } from "../games/index.ts";
import { configSchema } from "./config.ts";

export interface ConfigKey {
  /** Dotted path; `engine (tinker).rank` belongs to one kind of engine, `games.NAME` to any game. */
  readonly key: string;
  readonly type: string;
  /** As JSON; empty where there is none. */
  readonly fallback: string;
  readonly description: string;
}

/** The part of a JSON schema that this reads. */
interface Node {
  readonly type?: string | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly const?: string | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMaximum?: number | undefined;
  readonly properties?: Readonly<Record<string, Node>> | undefined;
  readonly additionalProperties?: Node | boolean | undefined;
  readonly oneOf?: readonly Node[] | undefined;
  readonly anyOf?: readonly Node[] | undefined;
}

const nodeSchema: z.ZodType<Node> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    description: z.string().optional(),
    default: z.unknown().optional(),
    const: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    minimum: z.number().optional(),
    exclusiveMinimum: z.number().optional(),
    maximum: z.number().optional(),
    exclusiveMaximum: z.number().optional(),
    properties: z.record(z.string(), nodeSchema).optional(),
    additionalProperties: z.union([z.boolean(), nodeSchema]).optional(),
    oneOf: z.array(nodeSchema).optional(),
    anyOf: z.array(nodeSchema).optional(),
  }),
);

/** Every key, those of each game's own options included. */
export const configKeys = (): ConfigKey[] =>
  keysOfSchema(configSchema, "").flatMap((key) => (key.key === "games" ? [key, ...gameKeys()] : [key]));

const gameKeys = (): ConfigKey[] => GAME_NAMES.flatMap((name) => keysOfSchema(GAME_OPTIONS[name], `games.${name}`));

const keysOfSchema = (schema: z.ZodType, path: string): ConfigKey[] =>
  keysOf(nodeSchema.parse(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })), path);

function keysOf(node: Node, path: string): ConfigKey[] {
  const join = (name: string) => (path === "" ? name : `${path}.${name}`);
  const kinds = node.oneOf ?? node.anyOf;
  if (kinds !== undefined) return kinds.flatMap((kind) => keysOf(kind, `${path} (${kind.properties?.["kind"]?.const ?? "?"})`));
  if (node.properties !== undefined)
    return Object.entries(node.properties).flatMap(([name, inner]) => keysOf(inner, join(name)));
  const described: ConfigKey = {
    key: path,
    type: typeOf(node),
    fallback: node.default === undefined ? "" : JSON.stringify(node.default),
    description: node.description ?? "",
  };
  if (typeof node.additionalProperties === "object" && node.type === "object")
    return [described, ...keysOf(node.additionalProperties, join("NAME"))];
  return [described];
}

const TYPES: Readonly<Record<string, string>> = {
  integer: "whole number",
  object: "table",
  string: "text",
  boolean: "true or false",
};

function typeOf({ type = "", enum: values, const: value, ...range }: Node): string {
  if (value !== undefined) return JSON.stringify(value);
  if (values !== undefined) return values.map((each) => JSON.stringify(each)).join(", ");
  const name = TYPES[type] ?? type;
  const least = range.exclusiveMinimum === undefined ? range.minimum : range.exclusiveMinimum;
  const most = range.exclusiveMaximum ?? range.maximum;
  const bounded = most !== undefined && most < Number.MAX_SAFE_INTEGER;
  if (least === undefined || least <= Number.MIN_SAFE_INTEGER) return name;
  const above = range.exclusiveMinimum === undefined ? `${least} or more` : `above ${least}`;
  if (!bounded) return `${name}, ${above}`;
  return range.exclusiveMaximum === undefined ? `${name}, ${least} to ${most}` : `${name}, ${least} to below ${most}`;
}
