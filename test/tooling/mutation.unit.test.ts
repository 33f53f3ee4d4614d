/** `npm run mutate`: what it changes, that the changed code is the code as long as no mutant is on, and what it picks. */
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { isMatch, sampleOf } from '../../scripts/lib/mutation/choose.ts'
import { instrument } from '../../scripts/lib/mutation/instrument.ts'

/** What mutants make of an expression. */
const changed = (text: string): readonly string[] =>
  instrument('a.ts', `const it = ${text}`, 1).mutants.map(({ after }) => after)

type Made = (isMutant: (id: number) => boolean, exports: Record<string, unknown>) => void

/** What a module exports as `it` with one mutant on; 0: none. */
function run(text: string, mutant: number): unknown {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
  const code = ts.transpile(instrument('a.ts', text, 1).text, options)
  const exports: Record<string, unknown> = {}
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the code is made two lines above
  const made = new Function('__mutant', 'exports', code) as Made
  let left = 1000
  made((id) => {
    if (left-- === 0) throw new Error('an endless loop')
    return id === mutant
  }, exports)
  return exports.it
}

describe('a mutant', () => {
  it.each([
    ['a condition, as always true and never', 'a ? 1 : 2', ['false', 'true']],
    ['a comparison, and where it turns', 'a < b', ['false', 'true', '(a) <= (b)']],
    ['a sum', 'a + b', ['(a) - (b)']],
    ['what joins conditions, and each of them', '(a && b)', ['(a) || (b)', 'true', 'true']],
    ['a default', 'a ?? b', ['(a) && (b)']],
    ['a no', '!a', ['a']],
    ['a count', 'i++', ['i--']],
    ['a word', "['up']", ['[]', "''"]],
    ['the anchors of a pattern', '/^a$/u', ['/a$/u', '/^a/u']],
    ['a link that may be missing', 'a?.b.c', ['.']],
    ['one of two methods that go together', 'a.some(f)', ['every']],
    ['a method that can be left out', 'a.filter(f).map(g)', ['a']],
    ['what a function gives', '() => f(1)', ['undefined']],
    ['a body', 'function () { f() }', ['{}']],
  ])('changes %s', (_what, text, changes) => {
    expect(changed(text)).toEqual(changes)
  })

  it.each([
    ['sentences', "'how it is told'"],
    ['words that are compared', "() => { if (a === 'b') {} }"],
    ['types', "null as 'a' | 'b'"],
  ])('leaves %s alone', (_what, text) => {
    expect(changed(text).filter((after) => after === "''")).toEqual([])
  })

  it('knows its line', () => {
    const { mutants } = instrument('a.ts', 'const a = 1\nconst b = a +\n  a\n', 1)
    expect(mutants).toMatchObject([{ before: 'a +\n  a', file: 'a.ts', id: 1, line: 2 }])
  })
})

describe('code with mutants in it', () => {
  const SOURCE = `
    class Counter {
      n = 0
      more(by?: { readonly step: number }): this {
        this.n += by?.step ?? 1
        this.n++
        return this
      }
    }
    function* upTo(last: number): Generator<number> {
      for (let i = 0; i < last; i++) yield i
    }
    const seen: string[] = []
    ;[3, 1, 2].sort().forEach((n) => seen.push(String(n)))
    const counter = new Counter()
    counter.more().more({ step: 3 })
    if (counter.n > 5 && seen.length !== 0) seen.push('many')
    else seen.push('few')
    export const it = { all: [...upTo(3)], n: counter.n, seen, text: \`\${seen.join('-')}!\` } as const
  `
  const { mutants } = instrument('a.ts', SOURCE, 1)
  const whole = { all: [0, 1, 2], n: 6, seen: ['1', '2', '3', 'many'], text: '1-2-3-many!' }

  it('does what it did as long as none is on', () => {
    expect(run(SOURCE, 0)).toEqual(whole)
  })

  it('does something else with each of them, but for those of the way that is never gone', () => {
    const same = mutants.filter(({ id }) => {
      try {
        return isDeepStrictEqual(run(SOURCE, id), whole)
      } catch {
        return false
      }
    })
    expect(same.map(({ after, before }) => `${before} → ${after}`)).toEqual([
      'counter.n > 5 && seen.length !== 0 → true',
      'counter.n > 5 && seen.length !== 0 → (counter.n > 5) || (seen.length !== 0)',
      'counter.n > 5 → true',
      'counter.n > 5 → (counter.n) >= (5)',
      'seen.length !== 0 → true',
      "seen.push('few') → {}",
      'push → unshift',
      "'few' → ''",
    ])
  })
})

describe('what is picked', () => {
  it.each([
    ['events/*.ts', 'events/log.ts', true],
    ['events/*.ts', 'events/deep/log.ts', false],
    ['src/**/*.ts', 'src/a/b/c.ts', true],
    ['src/**/*.ts', 'src/c.ts', true],
    ['{events,machines}/*.ts', 'machines/a.ts', true],
    ['events/*.ts,src/{a,b}.ts', 'src/b.ts', true],
    ['events/*.ts', 'events/logsts', false],
  ])('%s, of %s: %s', (pattern, path, fits) => {
    expect(isMatch(pattern, path)).toBe(fits)
  })

  it('is a sample in order, the same for the same seed, and another for another', () => {
    const all = Array.from({ length: 100 }, (_, i) => i)
    const some = sampleOf(all, 10, 7)
    expect(some).toHaveLength(10)
    expect([...some].sort((a, b) => a - b)).toEqual(some)
    expect(sampleOf(all, 10, 7)).toEqual(some)
    expect(sampleOf(all, 10, 8)).not.toEqual(some)
  })
})
