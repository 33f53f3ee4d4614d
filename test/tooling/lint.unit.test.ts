/**
 * The fences of eslint.config.js, shown to bite: each bad line is refused in its room, with the replacement named. The
 * snippets need no types, so the type-checked rules are left out, save in the last test.
 */
import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'

const cwd = fileURLToPath(new URL('../../', import.meta.url))

/** Without `projectService`, files that do not exist can be linted. */
const untyped = new ESLint({
  cwd,
  overrideConfig: [
    { ...tseslint.configs.disableTypeChecked, files: ['**/*.ts'] },
    { files: ['**/*.ts'], languageOptions: { parserOptions: { projectService: false } } },
  ],
})

/** `rule: message` of every problem. */
async function problemsOf(filePath: string, code: string, eslint = untyped): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath })
  return (result?.messages ?? []).map(({ message, ruleId }) => `${ruleId ?? 'parse'}: ${message}`)
}

const imports = (name: string): string => `import { x } from '${name}'\nexport const y = x\n`
const says = (expression: string): string => `export const y = ${expression}\n`

const PURE = [
  'events/x.ts',
  'machines/x.ts',
  'projections/x.ts',
  'src/drivers/x.ts',
  'src/ipam/x.ts',
  'src/reconcile/plan.ts',
]

describe.each(PURE)('%s is pure', (file) => {
  it.each([
    ['node:fs', 'src/ports.ts'],
    ['crypto', 'src/ports.ts'],
    ['fs/promises', 'src/ports.ts'],
    ['rxjs', 'fold facts here'],
    ['rxjs/operators', 'fold facts here'],
    ['level', 'take a Store'],
    ['classic-level', 'take a Store'],
    ['koffi', 'kernel port'],
    ['uuid', 'Ids port'],
    ['abstract-level', 'Types only'],
    ['chronet', 'import by path'],
    ['../test/x.ts', ''],
  ])('does not import %s', async (name, replacement) => {
    expect(await problemsOf(file, imports(name))).toEqual([
      expect.stringMatching(new RegExp(`no-restricted-imports.*${replacement}`, 's')),
    ])
  })

  it.each([
    ['new Date()', "use the command's `at`"],
    ['Date.now()', "use the command's `at`"],
    ['performance.now()', "use the command's `at`"],
    ['Math.random()', 'derived from the command id'],
    ['crypto.randomUUID()', 'Ids come with the command'],
    ['process.env', 'as arguments'],
    ['setTimeout(f, 1)', 'pair of facts'],
    ['queueMicrotask(f)', 'pair of facts'],
    ['new Intl.Collator()', 'compare with < and >'],
    ['a.localeCompare(b)', 'compare with < and >'],
    ['a.toLocaleUpperCase()', 'compare with < and >'],
    ["import('./y.ts')", 'Import statically'],
    ['globalThis.x', 'Name what you need'],
  ])('does not say %s', async (expression, replacement) => {
    expect(await problemsOf(file, says(expression))).toEqual([expect.stringContaining(replacement)])
  })
})

describe('the arrows', () => {
  it.each([
    ['events/x.ts', '../machines/index.ts'],
    ['events/x.ts', '../projections/index.ts'],
    ['events/x.ts', '../src/ports.ts'],
    ['events/x.ts', 'xstate'],
    ['machines/x.ts', '../projections/index.ts'],
    ['machines/x.ts', '../src/ports.ts'],
    ['projections/x.ts', '../machines/index.ts'],
    ['projections/x.ts', '../src/ports.ts'],
    ['projections/x.ts', 'xstate'],
    ['src/drivers/bridge.ts', '../engine/view.ts'],
    ['src/drivers/bridge.ts', '../ports.ts'],
    ['src/reconcile/plan.ts', '../kernel/linux/index.ts'],
    ['src/engine/view.ts', '../cli/x.ts'],
    ['src/engine/view.ts', '../operations/x.ts'],
    ['src/controller/x.ts', '../operations/x.ts'],
    ['src/operations/x.ts', '../cli/x.ts'],
    ['src/operations/x.ts', '../server/x.ts'],
    ['src/operations/x.ts', 'koffi'],
    ['src/server/x.ts', '../cli/x.ts'],
    ['src/engine/view.ts', 'level'],
    ['src/engine/view.ts', 'xstate'],
    ['src/kernel/simulated/x.ts', 'koffi'],
    ['src/kernel/linux/x.ts', 'level'],
    ['src/storage/x.ts', 'koffi'],
    ['src/index.ts', 'koffi'],
    ['src/simulator/x.ts', 'fast-check'],
    ['src/index.ts', '../test/given.ts'],
    ['examples/x.ts', '../src/index.ts'],
    ['examples/x.ts', 'xstate'],
    ['bench/x.ts', '../test/given.ts'],
  ])('%s does not import %s', async (file, name) => {
    expect(await problemsOf(file, imports(name))).toEqual([expect.stringContaining('no-restricted-imports')])
  })

  it.each([
    ['machines/x.ts', 'xstate'],
    ['machines/x.ts', '../events/index.ts'],
    ['projections/x.ts', '../events/index.ts'],
    ['src/engine/view.ts', '../../projections/index.ts'],
    ['src/kernel/linux/x.ts', 'koffi'],
    ['src/kernel/linux/x.ts', 'node:fs'],
    ['src/simulator/fast-check.ts', 'fast-check'],
    ['src/storage/x.ts', 'level'],
    ['src/reconcile/execute.ts', 'rxjs'],
    ['src/operations/x.ts', '../controller/controller.ts'],
    ['src/server/x.ts', '../operations/operations.ts'],
    ['src/cli/x.ts', '../server/client.ts'],
    ['examples/x.ts', 'chronet'],
    ['examples/x.ts', 'chronet/events'],
    ['bench/x.ts', 'level'],
  ])('%s may import %s', async (file, name) => {
    expect(await problemsOf(file, imports(name))).toEqual([])
  })

  it('lets src show the shapes of xstate, not run it', async () => {
    const code = "import type { InspectionEvent } from 'xstate'\nexport type Y = InspectionEvent\n"
    expect(await problemsOf('src/controller/x.ts', code)).toEqual([])
    expect(await problemsOf('src/controller/x.ts', imports('xstate'))).toEqual([
      expect.stringContaining('machines/'),
    ])
  })

  it('lets the log take the types of its store, not the store', async () => {
    expect(
      await problemsOf('events/x.ts', "import type { X } from 'abstract-level'\nexport type Y = X\n"),
    ).toEqual([])
  })
})

describe('everywhere', () => {
  it.each(['await f()', 'async () => f()', 'f().then(g)'])('a turn does not wait: %s', async (expression) => {
    const found = await problemsOf('src/engine/turn.ts', says(expression))
    expect(found).toEqual([expect.stringContaining('A turn is synchronous')])
  })

  it.each([
    ['export default 1\n', 'no-restricted-syntax'],
    ['export enum Colour {\n  Red,\n}\n', 'no-restricted-syntax'],
    ['export const x: any = 1\n', 'no-explicit-any'],
    ['export const y = f()!\n', 'no-non-null-assertion'],
    ["import { T } from './t.ts'\nexport type U = T\n", 'consistent-type-imports'],
    [`${'\n'.repeat(400)}export const x = 1\n`, 'max-lines'],
    [`export function f() {${'\n'.repeat(60)}}\n`, 'max-lines-per-function'],
  ])('refuses what style forbids (%#)', async (code, rule) => {
    expect(await problemsOf('src/engine/x.ts', code)).toEqual([expect.stringContaining(rule)])
  })

  it('refuses a promise that nobody waits for', async () => {
    const code = 'export function f(): void {\n  Promise.resolve(1)\n}\n'
    const found = await problemsOf('src/ports.ts', code, new ESLint({ cwd }))
    expect(found).toEqual([expect.stringContaining('no-floating-promises')])
  }, 120_000) // it loads the types of the whole project
})
