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
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
}

/** Every key, those of each game's own options included. */
export const configKeys = (): ConfigKey[] =>
  keysOfSchema(configSchema, "").flatMap((key) => (key.key === "games" ? [key, ...gameKeys()] : [key]));

const gameKeys = (): ConfigKey[] => GAME_NAMES.flatMap((name) => keysOfSchema(GAME_OPTIONS[name], `games.${name}`));

const keysOfSchema = (schema: z.ZodType, path: string): ConfigKey[] =>
  keysOf(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node, path);

function keysOf(node: Node, path: string): ConfigKey[] {
  const join = (name: string) => (path === "" ? name : `${path}.${name}`);
  const kinds = node.oneOf ?? node.anyOf;
  if (kinds !== undefined)
    return kinds.flatMap((kind) => keysOf(kind, `${path} (${String(kind.properties?.["kind"]?.const ?? "?")})`));
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

function typeOf({ type = "", enum: values, const: value, ...range }: Node): string {
  if (value !== undefined) return JSON.stringify(value);
  if (values !== undefined) return values.map((each) => JSON.stringify(each)).join(", ");
  const name =
    type === "integer"
      ? "whole number"
      : type === "object"
        ? "table"
        : type === "string"
          ? "text"
          : type === "boolean"
            ? "true or false"
            : type;
  const least = range.exclusiveMinimum === undefined ? range.minimum : range.exclusiveMinimum;
  const most = range.exclusiveMaximum ?? range.maximum;
  const bounded = most !== undefined && most < Number.MAX_SAFE_INTEGER;
  if (least === undefined || least <= Number.MIN_SAFE_INTEGER) return name;
  const above = range.exclusiveMinimum === undefined ? `${least} or more` : `above ${least}`;
  if (!bounded) return `${name}, ${above}`;
  return range.exclusiveMaximum === undefined ? `${name}, ${least} to ${most}` : `${name}, ${least} to below ${most}`;
}
