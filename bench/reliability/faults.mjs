/**
 * Loaded before a program (`node --import`): from the n-th write below a folder on, the file system fails. FAULT in the environment is
 * `KIND:N:FOLDER`. KIND is an error code, `tear` (half of the n-th write is done, then the process is killed), or `count` (nothing
 * fails; the number of writes is the last line of stderr).
 */
import fs, { writeSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join, resolve } from "node:path";

const [kind, from, ...rest] = (process.env.FAULT ?? "").split(":");
const root = rest.join(":");
const promises = fs.promises;
const { open, readdir, writeFile, appendFile, unlink } = promises;
let count = 0;

/** What a full disk still does: it takes space from nobody. */
const FREE = new Set(["rename", "rm", "rmdir", "unlink", "truncate", "utimes"]);

const die = () => process.kill(process.pid, "SIGKILL");
const halfOf = (data) => data.slice(0, Math.floor(data.length / 2));
const below = (path) => typeof path === "string" && resolve(path).startsWith(root);

/** Whether this operation must fail; counts it. */
const fails = (name) => {
  count++;
  return count >= Number(from) && kind !== "count" && !(kind === "ENOSPC" && FREE.has(name));
};
const errorOf = (name, path) =>
  Object.assign(new Error(`${kind}: injected, ${name} '${path}'`), { code: kind, errno: -1, syscall: name, path });

/** Half of an operation, as a crash may leave it. */
async function tear(name, path, data) {
  if (name === "writeFile") await writeFile(path, halfOf(data));
  if (name === "appendFile") await appendFile(path, halfOf(data));
  if (name === "rm") {
    const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
    const file = entries.find((entry) => entry.isFile());
    if (file !== undefined) await unlink(join(file.parentPath, file.name));
  }
  die();
}

for (const name of ["writeFile", "appendFile", "rename", "mkdir", "rm", "rmdir", "unlink", "truncate", "link", "utimes"]) {
  const original = promises[name];
  promises[name] = async (path, ...others) => {
    if (!below(path) || !fails(name)) return original(path, ...others);
    if (kind === "tear") return tear(name, path, others[0]);
    throw errorOf(name, path);
  };
}

promises.open = async (path, flags = "r", ...others) => {
  if (!below(path) || flags === "r") return open(path, flags, ...others);
  if (fails("open")) {
    if (kind === "tear") die();
    throw errorOf("open", path);
  }
  const handle = await open(path, flags, ...others);
  for (const name of ["write", "writeFile", "appendFile", "sync", "truncate"]) {
    const original = handle[name].bind(handle);
    handle[name] = async (data, ...rest) => {
      if (!fails(name)) return original(data, ...rest);
      if (kind !== "tear") throw errorOf(name === "sync" ? "fsync" : "write", path);
      if (typeof data === "string" || data instanceof Uint8Array) await original(halfOf(data), ...rest);
      die();
    };
  }
  return handle;
};

// Functions with callbacks, and of these those that packages use.
for (const name of ["open", "write", "fsync", "rename", "unlink", "writeFile", "appendFile", "mkdir"]) {
  const original = fs[name];
  fs[name] = (...args) => {
    const writing = name === "open" ? below(args[0]) && args[1] !== "r" && args[1] !== undefined : true;
    const ours = typeof args[0] === "number" ? args[0] > 2 : below(args[0]);
    if (!ours || !writing || typeof args.at(-1) !== "function" || !fails(name)) return original(...args);
    if (kind !== "tear") return process.nextTick(args.at(-1), errorOf(name, String(args[0])));
    if (name === "write") writeSync(args[0], halfOf(args[1]));
    die();
  };
}
syncBuiltinESMExports();

if (kind === "count") process.on("exit", () => writeSync(2, `\n${count}\n`));
