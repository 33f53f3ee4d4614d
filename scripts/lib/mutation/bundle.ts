/**
 * Test files, each as one script with all that it imports of the project, the mutated sources among it. The scripts lie in a
 * directory that goes away; the checkout is only read.
 */
import { build, type Plugin } from 'esbuild'
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bundle } from './protocol.ts'

/**
 * @param root of the checkout
 * @param tests paths from there
 * @param changed texts of sources that are not as in the checkout, by path from there
 * @param out an empty directory
 */
export async function bundle(
  root: string,
  tests: readonly string[],
  changed: ReadonlyMap<string, string>,
  out: string,
): Promise<readonly Bundle[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    bundle: true,
    entryPoints: [...tests],
    format: 'cjs',
    keepNames: true, // machines are read by the names of their functions
    logLevel: 'error',
    metafile: true,
    outbase: root,
    outdir: out,
    packages: 'external',
    platform: 'node',
    plugins: [sources(root, changed)],
    target: `node${process.versions.node}`,
  })
  return Object.entries(metafile.outputs).map(([path, { entryPoint = '', imports }]) => {
    const externals = imports.filter(({ external, path: name }) => external && isModule(name))
    return {
      externals: externals.map(({ path: name }) => name),
      file: join(root, entryPoint),
      path: join(root, path),
    }
  })
}

/** What a test would import dynamically is loaded when it does. */
const isModule = (name: string): boolean =>
  name.startsWith('node:') || builtinModules.includes(name) || !/^[./]|^file:/.test(name)

const sources = (root: string, changed: ReadonlyMap<string, string>): Plugin => ({
  name: 'sources',
  setup: (plugins) => {
    plugins.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = changed.get(relative(root, path)) ?? readFileSync(path, 'utf8')
      // A script has no address of its own.
      const contents = text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
      return { contents, loader: 'ts' }
    })
  },
})
