/**
 * A study: recipes x variants x seeds. Its file says what is compared, which seeds are reported, and on which seeds settings were
 * chosen; `docs/study.md` shows one.
 */
import { dirname, join } from "node:path";
import { z } from "zod";
import { QUANTITY_NAMES, type QuantityName } from "../evaluation/quantities.ts";
import { jsonText, sha256 } from "../files.ts";
import { sharedPart } from "../runs/branch.ts";
import { ConfigError, type RunConfig, assign, parseConfig } from "../runs/config.ts";
import { readTable } from "../runs/config-file.ts";

/** What one row of the tables trains: a configuration without its seed. */
export interface StudyRow {
  /** Name in tables: the variant's, after the recipe's where there are several. */
  readonly name: string;
  /** Empty where the study has one recipe. */
  readonly recipe: string;
  /** With seed 0. */
  readonly config: RunConfig;
  /** Folder that modules of the configuration are relative to. */
  readonly modules: string;
  /** What the variant sets, as assignments. */
  readonly set: readonly string[];
  /** SHA-256 of the configuration. */
  readonly hash: string;
}

export interface Study {
  /** Seeds of the tables. */
  readonly seeds: readonly number[];
  /** Seeds that settings may be chosen on; no table reports them. */
  readonly validationSeeds: readonly number[];
  /** The variants. */
  readonly rows: readonly StudyRow[];
  /** The recipes themselves, whose base and SFT are rows too. */
  readonly recipes: readonly StudyRow[];
  /** Rows that every other row is compared with. */
  readonly against: readonly string[];
  /** Quantities that are tested. */
  readonly tests: readonly QuantityName[];
  /** Whether the best scripted policy is a row. */
  readonly scripted: boolean;
  /** Whether J* is a row, of all games or of those that are named. */
  readonly optimum: boolean | readonly string[];
  /** SHA-256 of what decides the results besides seeds: every row by its hash. */
  readonly settings: string;
}

const seeds = z.array(z.number().int().min(0)).refine((list) => new Set(list).size === list.length, "expected every seed once");
const recipe = z.union([z.string().min(1), z.looseObject({})], "expected the path of a configuration, or its table");
const names = z.string().regex(/^[\w.-]+$/, "expected a name of letters, digits, _, . and -");

const studySchema = z.strictObject({
  recipe: recipe.exactOptional(),
  recipes: z.record(names, recipe).exactOptional(),
  seeds: seeds.min(1),
  validationSeeds: seeds.default([]),
  variants: z
    .record(names, z.looseObject({ recipes: z.array(z.string()).min(1).exactOptional() }))
    .refine((variants) => Object.keys(variants).length > 0, "expected at least one variant"),
  against: z.array(z.string()).default(["sft"]),
  tests: z.array(z.enum(QUANTITY_NAMES)).min(1).default(["safetyIndex", "worstCase"]),
  scripted: z.boolean().default(true),
  optimum: z.union([z.boolean(), z.array(z.string())]).default(true),
});

/** Rows that come with every recipe. */
export const STAGE_ROWS = ["base", "sft"] as const;
export const rowName = (recipeName: string, row: string): string => (recipeName === "" ? row : `${recipeName}/${row}`);

/** The study of a file. Throws `FileError` for a file that cannot be read, `ConfigError` naming every wrong key. */
export async function readStudy(file: string): Promise<Study> {
  const parsed = studySchema.safeParse(await readTable(file, "a TOML or JSON study"));
  const fail = (text: string) => new ConfigError(`${file}: ${text}`);
  if (!parsed.success) throw fail(`the study is not valid:\n${z.prettifyError(parsed.error)}`);
  const { recipe: single, recipes: several, variants, ...study } = parsed.data;
  if ((single === undefined) === (several === undefined)) throw fail('expected either "recipe" or "recipes"');
  const both = study.seeds.find((seed) => study.validationSeeds.includes(seed));
  if (both !== undefined) throw fail(`seed ${both} is both reported and for validation; settings chosen on it would be biased`);

  const named = several ?? { "": single };
  const contents = await Promise.all(
    Object.entries(named).map(async ([name, given]) => ({
      name,
      content: typeof given === "string" ? await readTable(join(dirname(file), given)) : structuredClone(given ?? {}),
      modules: typeof given === "string" ? dirname(join(dirname(file), given)) : dirname(file),
    })),
  );
  const make = (recipeName: string, row: string, set: object): StudyRow => {
    const { content, modules } = contents.find(({ name }) => name === recipeName)!;
    const config = configOf(content, set, `${file}: ${rowName(recipeName, row)}`);
    const hash = sha256(jsonText(config));
    const texts = assignments(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return { name: rowName(recipeName, row), recipe: recipeName, config, modules, set: texts, hash };
  };
  const rows = Object.entries(variants).flatMap(([variant, { recipes: only, ...set }]) => {
    const wrong = only?.find((name) => !Object.hasOwn(named, name));
    if (wrong !== undefined) throw fail(`variants.${variant}.recipes: no recipe is called "${wrong}"`);
    if (STAGE_ROWS.some((stage) => stage === variant)) throw fail(`variants.${variant}: every run has this row already`);
    return contents.filter(({ name }) => only?.includes(name) ?? true).map(({ name }) => make(name, variant, set));
  });
  const recipes = contents.map(({ name }) => make(name, "recipe", {}));
  const known = [
    ...rows.map(({ name }) => name),
    ...recipes.flatMap(({ recipe: own }) => STAGE_ROWS.map((row) => rowName(own, row))),
  ];
  const unknown = study.against.find((name) => !known.some((row) => row === name || row.endsWith(`/${name}`)));
  if (unknown !== undefined) throw fail(`against: no row is called "${unknown}"; expected some of ${known.join(", ")}`);
  const played = [...new Set(recipes.flatMap(({ config }) => Object.keys(config.games)))];
  const strange = typeof study.optimum === "boolean" ? undefined : study.optimum.find((name) => !played.includes(name));
  if (strange !== undefined) throw fail(`optimum: no recipe plays "${strange}"; expected some of ${played.join(", ")}`);
  return { ...study, rows, recipes, settings: sha256(jsonText(hashesOf({ rows, recipes }))) };
}

/** What base and SFT of a recipe depend on, as a hash. */
export const sharedHash = ({ config }: StudyRow): string => sha256(sharedPart(config));

/** Every row by the hash of what it depends on. */
export const hashesOf = ({ rows, recipes }: Pick<Study, "rows" | "recipes">): Record<string, string> =>
  Object.fromEntries([
    ...recipes.flatMap((row) => STAGE_ROWS.map((stage) => [rowName(row.recipe, stage), sharedHash(row)])),
    ...rows.map(({ name, hash }) => [name, hash]),
  ]);

const EVERY_GAME = "games.*.";

/** A recipe with what a variant sets: nested tables, or keys with dots; `games.*` is every game of the recipe. */
function configOf(content: object, set: object, where: string): RunConfig {
  const made: Record<string, unknown> = { ...structuredClone(content) };
  try {
    const games = Object.keys(parseConfig({ ...made, seed: 0 }).games);
    for (const [key, value] of assignments(set))
      for (const one of key.startsWith(EVERY_GAME)
        ? games.map((game) => `games.${game}.${key.slice(EVERY_GAME.length)}`)
        : [key])
        assign(made, `${one}=${JSON.stringify(value)}`);
    return parseConfig({ ...made, seed: 0 });
  } catch (cause) {
    if (cause instanceof ConfigError) throw new ConfigError(`${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

function assignments(set: object, path = ""): [string, unknown][] {
  return Object.entries(set).flatMap(([name, value]): [string, unknown][] => {
    const key = path === "" ? name : `${path}.${name}`;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? assignments(value, key) : [[key, value]];
  });
}
