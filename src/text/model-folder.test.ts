import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findModelFolder, loadChat } from "./model-folder.ts";
import { loadTokenizer, saveTokenizer } from "./tokenizer-files.ts";
import { TokenizerError, createTokenizer } from "./tokenizer.ts";

const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "sepo-hub-"));
});
afterAll(() => rm(home, { recursive: true }));

describe("a model's folder", () => {
  const id = "Org/Model-4B";
  const snapshot = (hub: string, commit: string) => join(hub, "models--Org--Model-4B", "snapshots", commit);
  /** A hub cache with one snapshot that `main` names. */
  async function makeCache(hub: string, commit: string): Promise<void> {
    await cp(golden("qwen3.5"), snapshot(hub, commit), { recursive: true });
    await mkdir(join(hub, "models--Org--Model-4B", "refs"), { recursive: true });
    await writeFile(join(hub, "models--Org--Model-4B", "refs", "main"), commit);
  }

  test("is the snapshot that main names, where the hub's variables say", async () => {
    const [cache, hfHome, xdg] = ["cache", "hf", "xdg"].map((name) => join(home, name));
    const hubs = [cache, join(hfHome, "hub"), join(xdg, "huggingface", "hub")];
    for (const [i, hub] of hubs.entries()) await makeCache(hub, `commit${i}`);
    const all = { HF_HUB_CACHE: cache, HF_HOME: hfHome, XDG_CACHE_HOME: xdg };
    expect(await findModelFolder(id, { environment: all })).toBe(snapshot(hubs[0], "commit0"));
    expect(await findModelFolder(id, { environment: { ...all, HF_HUB_CACHE: "" } })).toBe(snapshot(hubs[1], "commit1"));
    expect(await findModelFolder(id, { environment: { XDG_CACHE_HOME: xdg } })).toBe(snapshot(hubs[2], "commit2"));
    expect(await findModelFolder(id, { environment: all, revision: "commit0" })).toBe(snapshot(hubs[0], "commit0"));
  });

  test("may be given as a folder", async () => {
    expect(await findModelFolder(golden("gemma4"))).toBe(golden("gemma4"));
  });

  test("that is not there is named with the command that fetches it", async () => {
    const environment = { HF_HUB_CACHE: join(home, "empty") };
    const found = (name: string, revision = "main") => findModelFolder(name, { environment, revision });
    await expect(found("Qwen/Qwen3.5-4B")).rejects.toThrow(TokenizerError);
    await expect(found("Qwen/Qwen3.5-4B")).rejects.toThrow(
      /empty.models--Qwen--Qwen3\.5-4B.snapshots.main: no tokenizer\.json; .*: hf download Qwen\/Qwen3\.5-4B tokenizer\.json/,
    );
    await expect(found("Qwen/Qwen3.5-4B", "abc")).rejects.toThrow(/snapshots.abc: .* --revision abc$/);
    for (const path of ["./nowhere", "/nowhere/at/all", "a/b/c"])
      await expect(found(path)).rejects.toThrow(`${path}: expected the folder of a model, but there is none`);
  });

  test("without a tokenizer is named", async () => {
    const folder = join(home, "bare");
    await mkdir(folder);
    await expect(findModelFolder(folder)).rejects.toThrow(/bare: no tokenizer\.json; expected the folder of a model/);
  });
});

describe("a model's chat", () => {
  const message = [{ role: "user", content: "a" }] as const;

  test("thinks only when asked", async () => {
    const [plain, thinking] = await Promise.all(
      [{}, { thinking: true }].map((options) => loadChat(golden("qwen3.5"), options)),
    );
    const { tokens } = plain.prompt(message);
    // What the template writes when not to think: a closed thought more.
    expect(tokens.slice(0, thinking.prompt(message).tokens.length - 1)).toEqual(thinking.prompt(message).tokens.slice(0, -1));
    expect([plain.answer([]), thinking.answer([])]).toEqual(["", undefined]);
  });

  test("that cannot think, or cannot help it, is refused", async () => {
    const files = await loadTokenizer(golden("qwen3.5"));
    const turns = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}";
    const folderWith = async (name: string, end: string) => {
      const folder = join(home, name);
      await mkdir(folder);
      await saveTokenizer(folder, { ...files, chatTemplate: `${turns}<|im_start|>assistant\n${end}` });
      return folder;
    };
    const never = await folderWith("never", "");
    await expect(loadChat(never, { thinking: true })).rejects.toThrow(/no thinking to turn on/);
    expect((await loadChat(never)).answer([])).toBe("");
    const always = await folderWith("always", "<think>\n");
    await expect(loadChat(always)).rejects.toThrow(/always makes the model think; expected thinking = true/);
  });

  test("keeps the generation settings of its folder", async () => {
    const folder = join(home, "saved");
    await mkdir(folder);
    const files = await loadTokenizer(golden("gemma4"));
    await saveTokenizer(folder, files);
    expect(await loadTokenizer(folder)).toEqual(files);
    const ends = ["<turn|>", "<eos>", "<|tool_response>"].map((name) => createTokenizer(files).special(name));
    expect((await loadChat(folder)).stop).toEqual(ends);
    await writeFile(join(folder, "generation_config.json"), '{"eos_token_id":"</s>"}');
    await expect(loadChat(folder)).rejects.toThrow(/generation_config\.json: /);
  });
});
