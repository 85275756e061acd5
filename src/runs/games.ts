/** The games of a run: built-in ones with their options, and modules of the user's own. */
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { GameError, type Protocol, withWeights } from "../games/index.ts";
import { type Roster, checkRoster, rosterOf } from "../opponents/index.ts";
import { ConfigError, type GameSection, isModulePath } from "./config.ts";
import { type UserModule, loadModule, writeModule } from "./modules.ts";

/** What a module's function is given. */
export interface ModuleSettings {
  readonly protocol: Protocol;
  /** Options of the game's section. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of a module that changes a built-in game: its roster. */
  readonly base?: Roster;
}

/** A module of the user's own exports `roster`: one, or a function that makes one. */
const moduleSchema = z.looseObject({
  roster: z.custom<Roster | ((settings: ModuleSettings) => Roster | Promise<Roster>)>(
    (value) => typeof value === "function" || (typeof value === "object" && value !== null && "game" in value),
    "expected an export `roster`: a roster, or a function that makes one",
  ),
});

export interface RunGame {
  readonly roster: Roster;
  /** As the configuration names it: a game, or the file of a module beside the run. */
  readonly name: string;
  readonly section: GameSection;
  readonly module?: UserModule;
}

/**
 * The games of a configuration. Modules are looked for below `folder`, that of the configuration or of the run; a `ConfigError` or
 * `GameError` names what is wrong.
 */
export async function openGames(
  { games, protocol }: { readonly games: Readonly<Record<string, GameSection>>; readonly protocol: Protocol },
  folder: string,
): Promise<RunGame[]> {
  const opened: RunGame[] = [];
  for (const [name, section] of Object.entries(games)) opened.push(await openGame(name, section, protocol, folder));
  const names = opened.map(({ roster }) => roster.game.facts.name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new ConfigError(`games: two of them are called "${repeated}"; a run needs different names`);
  return opened;
}

async function openGame(name: string, section: GameSection, protocol: Protocol, folder: string): Promise<RunGame> {
  const { weights = {}, module, ...options } = section;
  const settings = { protocol, options, weights };
  if (!isModulePath(name)) {
    const base = rosterOf(name, settings);
    if (module === undefined) return { roster: base, name, section };
    const found = await loadModule(pathIn(folder, module));
    return { roster: await made(found, { protocol, options, base }, module), name, section, module: found };
  }
  if (module !== undefined) throw new ConfigError(`games.${name}: a module has no other module; leave out "module"`);
  const found = await loadModule(pathIn(folder, name));
  const roster = await made(found, { protocol, options }, name);
  return { roster: { ...roster, game: withWeights(roster.game, weights) }, name, section, module: found };
}

async function made({ exported }: UserModule, settings: ModuleSettings, path: string): Promise<Roster> {
  const parsed = moduleSchema.safeParse(exported);
  if (!parsed.success) throw new ConfigError(`${path}: ${z.prettifyError(parsed.error)}`);
  const { roster } = parsed.data;
  try {
    const result = typeof roster === "function" ? await roster(settings) : roster;
    checkRoster(result);
    return result;
  } catch (cause) {
    if (cause instanceof GameError) throw new ConfigError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

const pathIn = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path));

/** Folder beside a run or in a checkpoint that holds its modules, each in a folder of its own. */
export const MODULES = "modules";
const folderOf = (index: number): string => `${MODULES}/${index + 1}`;

/** The games' sections as they are kept with a run: modules by their copies in `MODULES`. */
export const keptSections = (games: readonly RunGame[]): Record<string, GameSection> =>
  Object.fromEntries(
    games.map(({ name, section, module }, i) => {
      if (module === undefined) return [name, section];
      const path = `./${folderOf(i)}/${module.file}`;
      return section.module === undefined ? [path, section] : [name, { ...section, module: path }];
    }),
  );

/** Copies the modules of games into a folder. */
export async function saveModules(games: readonly RunGame[], folder: string): Promise<void> {
  for (const [i, { module }] of games.entries()) if (module !== undefined) await writeModule(module, join(folder, folderOf(i)));
}
