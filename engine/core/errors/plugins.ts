import type { ErrorEntries } from "../errors.ts";

/** 8105 to 8109: plugin files in code. */
export const pluginErrors = {
  HK8105: {
    title: "A plugin can not be loaded",
    message: "{file} can not be loaded: {reason}",
    help: 'The file in plugins/ is code that runs inside Hookrail, and it has a mistake, or imports something that is not there. Nothing was started; what is stored stays. It may import `hookrail/plugin`, modules of Node and files beside it. It is an ES module: no `"type": "commonjs"` in a package.json above it, no `enum` in TypeScript, and for the single binary no `await` outside a function.',
  },
  HK8106: {
    title: "A plugin lacks something",
    message: "{file}: `{member}` is {got}; expected {expected}",
    help: "`export default defineSink({ … })` or `defineScheme({ … })` takes the members that docs/plugins.md lists. Written in TypeScript, an editor says so too.",
  },
  HK8107: {
    title: "Not a signature scheme",
    message: "{file} does not export a signature scheme",
    help: "A file in plugins/schemes/ exports one descriptor by default: `export default defineScheme({ … })`, with `defineScheme` from `hookrail/plugin`.",
  },
  HK8108: {
    title: "File and scheme differ in name",
    message: "{file} exports the scheme `{name}`",
    help: "A scheme's name is the name of its file, so that it can be found.",
  },
  HK8109: {
    title: "Scheme name not free",
    message: "scheme `{name}` in {file} {problem}",
    help: "Rename the file and the scheme in it: recipes refer to schemes by name, and what is built in can not be replaced.",
  },
  HK8241: {
    title: "A plugin that can not be documented",
    message: "{file}: {problem}",
    help: "`hookrail docs reference` makes a page of each recipe and preset of the installation. `hookrail check` prints all errors of this one with their places; nothing was written.",
  },
} satisfies ErrorEntries;
