import { fileURLToPath } from "node:url";

/** Root of the checkout or package: where `plugins/` and `pipelines/` of this product lie. */
export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
