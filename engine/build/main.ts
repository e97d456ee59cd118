/** What `npm run build` runs. */
import { join } from "node:path";
import { packageRoot } from "../core/paths.ts";
import { buildBinary } from "./binary.ts";

const output = join(packageRoot, "dist", process.platform === "win32" ? "hookrail.exe" : "hookrail");
await buildBinary({ root: packageRoot, output });
process.stdout.write(`${output}\n`);
