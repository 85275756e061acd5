/** Runs the example whose name begins with the argument; all of them without one. */
import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const folder = resolve("dist/examples");
const wanted = process.argv[2] ?? "";
const names = readdirSync(folder).filter((name) => /^\d\d-.*\.js$/.test(name) && name.startsWith(wanted));
if (names.length === 0) {
  console.error(`no example begins with "${wanted}"; expected a number such as 01`);
  process.exitCode = 2;
}
for (const name of names) {
  if (names.length > 1) console.log(`\n${name}`);
  await import(pathToFileURL(`${folder}/${name}`).href);
}
