#!/usr/bin/env node
/**
 * The command `chronet`, as the build puts it in place: it loads the files of the command from beside it, each with what V8 made of it
 * when it was built, so that a start compiles next to nothing. Where another Node runs it, or what was kept is not there, V8 compiles.
 */
const { readFileSync } = require('node:fs')
const { pathToFileURL } = require('node:url')
const { Script } = require('node:vm')

/** By path: what a file exports, and its script. */
const modules = new Map()
const scripts = new Map()

function load(path) {
  const known = modules.get(path)
  if (known !== undefined) return known.exports
  const module = { exports: {} }
  modules.set(path, module)
  const run = compile(path).runInThisContext()
  run(module.exports, requireBeside, module, path, pathToFileURL(path).href)
  return module.exports
}

const requireBeside = (id) => (id.startsWith('./') ? load(`${__dirname}/${id.slice(2)}`) : require(id))
requireBeside.resolve = require.resolve

function compile(path) {
  const known = scripts.get(path)
  if (known !== undefined) return known
  const cachedData = readIfThere(cacheOf(path))
  const code = `(function (exports, require, module, __filename, selfUrl) { ${readFileSync(path, 'utf8')}\n})`
  const script = new Script(code, { filename: path, ...(cachedData === undefined ? {} : { cachedData }) })
  scripts.set(path, script)
  return script
}

const cacheOf = (path) => path.replace(/js$/, 'cache')

function readIfThere(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Runs the command by the words of this process, from the beginning; what its main file exports. */
function start() {
  modules.clear()
  return load(`${__dirname}/command.js`)
}

if (require.main === module) start()
else module.exports = { cacheOf, scripts, start }
