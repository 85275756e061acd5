/** Folders of base models: where they are on this machine, and the chat that a model's own tokenizer and template make. */
import { access, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { type Chat, createChat } from "./chat.ts";
import { loadTokenizer, olderTokenizer } from "./tokenizer-files.ts";
import { TokenizerError, type TokenizerFiles, createTokenizer } from "./tokenizer.ts";

export interface FindOptions {
  /** Branch, tag or commit of the snapshot; looked at only for models of the hub. */
  readonly revision?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const FILES = "tokenizer.json tokenizer_config.json chat_template.jinja generation_config.json";
const HUB_ID = /^[\w.-]+(?:\/[\w.-]+)?$/;

/**
 * The folder of a model: a folder on this machine, or the snapshot of a model such as "Qwen/Qwen3.5-4B" in the cache of the Hugging
 * Face hub (`HF_HUB_CACHE`, `HF_HOME`/hub or ~/.cache/huggingface/hub). Nothing is downloaded: a `TokenizerError` names the
 * folder that lacks a tokenizer and the command that fetches one.
 */
export async function findModelFolder(
  nameOrPath: string,
  { revision = "main", environment = process.env }: FindOptions = {},
): Promise<string> {
  const isFolder = await stat(nameOrPath).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return withTokenizer(nameOrPath, "expected the folder of a model");
  if (isAbsolute(nameOrPath) || nameOrPath.startsWith(".") || !HUB_ID.test(nameOrPath))
    throw new TokenizerError(`${nameOrPath}: expected the folder of a model, but there is none`);
  const download = `hf download ${nameOrPath} ${FILES}` + (revision === "main" ? "" : ` --revision ${revision}`);
  const repository = join(hubCache(environment), `models--${nameOrPath.replaceAll("/", "--")}`);
  // A branch or tag is a file that holds the commit; anything else is the commit itself.
  const commit = await readFile(join(repository, "refs", revision), "utf8").catch(() => revision);
  return withTokenizer(
    join(repository, "snapshots", commit.trim()),
    `neither a folder nor a downloaded snapshot of "${nameOrPath}"; fetch its tokenizer with: ${download}`,
  );
}

async function withTokenizer(folder: string, problem: string): Promise<string> {
  await access(join(folder, "tokenizer.json")).catch(async (cause: unknown) => {
    throw new TokenizerError(`${folder}: no tokenizer.json; ${(await olderTokenizer(folder)) ?? problem}`, { cause });
  });
  return folder;
}

function hubCache(environment: Readonly<Record<string, string | undefined>>): string {
  // As `huggingface_hub` reads them: an empty variable counts as absent.
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  if (HF_HUB_CACHE) return HF_HUB_CACHE;
  return join(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"), "hub");
}

export interface ModelChatOptions {
  /** Whether the model thinks before it answers. */
  readonly thinking?: boolean;
  /** Further values that the template reads. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/**
 * The chat of a model's tokenizer. Thinking is what the template does with `enable_thinking`; a template that cannot do what is asked
 * (one that never thinks, or always) is refused with a `TokenizerError`.
 */
export function modelChat(files: TokenizerFiles, { thinking = false, variables = {} }: ModelChatOptions = {}): Chat {
  const tokenizer = createTokenizer(files);
  const chatOf = (enabled: boolean): Chat => createChat(tokenizer, { variables: { ...variables, enable_thinking: enabled } });
  const chat = chatOf(thinking);
  if (thinking && !asksToThink(chat, chatOf(false)))
    throw new TokenizerError("the chat template has no thinking to turn on; expected thinking = false");
  if (!thinking && chat.answer([]) === undefined)
    throw new TokenizerError("the chat template always makes the model think; expected thinking = true");
  return chat;
}

/** The chat of a model's folder; see `modelChat`. */
export const loadChat = async (folder: string, options: ModelChatOptions = {}): Promise<Chat> =>
  modelChat(await loadTokenizer(folder), options);

/** Whether two chats of a model ask for an answer differently. */
function asksToThink(chat: Chat, other: Chat): boolean {
  const [own, plain] = [chat, other].map((each) => each.prompt([{ role: "user", content: "a" }]).tokens.join(" "));
  return own !== plain;
}
