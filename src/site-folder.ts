/** Where the built site is: a folder of files to be served as they are (`npm run site`, docs/browser.md). */
import { fileURLToPath } from "node:url";

const built = import.meta.url.endsWith(".ts") ? "../dist/site" : "site";

export const SITE_FOLDER = fileURLToPath(new URL(built, import.meta.url));
