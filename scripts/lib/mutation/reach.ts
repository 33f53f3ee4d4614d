/**
 * Which tests reach which mutant, and in what order they are worth being tried: first those that noticed others of the same file,
 * then file by file, the quickest first.
 */
import type { Mutant } from './instrument.ts'
import type { Bundle, Recorded, Run } from './protocol.ts'

/** How many of the tests that noticed most are tried before all others. */
const FAVOURITES = 4

type Test = {
  readonly bundle: Bundle
  readonly calls: number
  readonly index: number
  readonly loadCalls: number
  readonly ms: number
  readonly name: string
}

export class Reach {
  readonly #byMutant = new Map<number, Test[]>()
  readonly #kills = new Map<string, Map<Test, number>>()
  readonly #tests = new Map<string, Test>()

  add(bundle: Bundle, { cases, loaded }: Recorded): void {
    cases.forEach(({ calls, hits, ms, name }, index) => {
      const test: Test = { bundle, calls, index, loadCalls: loaded.calls, ms, name }
      this.#tests.set(keyOf(bundle.file, index), test)
      for (const id of new Set([...hits, ...loaded.hits])) {
        const tests = this.#byMutant.get(id)
        if (tests) tests.push(test)
        else this.#byMutant.set(id, [test])
      }
    })
  }

  /** The tests to be tried; none: no test reaches it. */
  runs({ file, id }: Mutant): readonly Run[] {
    const tests = this.#byMutant.get(id) ?? []
    const kills = this.#kills.get(file)
    const proven = tests.filter((test) => kills?.has(test))
    const worth = (test: Test): number => (kills?.get(test) ?? 0) / (20 + test.ms)
    const favourites = proven.sort((a, b) => worth(b) - worth(a)).slice(0, FAVOURITES)
    const rest = byFile(tests.filter((test) => !favourites.includes(test)))
    return [...favourites.map((test) => [test]), ...rest].map(runOf)
  }

  /** Notes that a test noticed a mutant. @returns its name */
  note({ file }: Mutant, [path, index]: readonly [file: string, index: number]): string {
    const test = this.#tests.get(keyOf(path, Math.max(index, 0)))
    if (test === undefined) return path
    const kills = this.#kills.get(file) ?? new Map<Test, number>()
    this.#kills.set(file, kills.set(test, (kills.get(test) ?? 0) + 1))
    return index < 0 ? 'loading' : test.name
  }
}

const keyOf = (file: string, index: number): string => `${file}#${index}`

function byFile(tests: readonly Test[]): readonly (readonly Test[])[] {
  const paths = new Set(tests.map(({ bundle }) => bundle.file))
  const files = [...paths].map((path) => tests.filter(({ bundle }) => bundle.file === path))
  const msOf = (all: readonly Test[]): number => all.reduce((sum, { ms }) => sum + ms, 0)
  return files.map((file) => file.toSorted((a, b) => a.ms - b.ms)).sort((a, b) => msOf(a) - msOf(b))
}

function runOf(tests: readonly Test[]): Run {
  const [first] = tests
  if (first === undefined) throw new RangeError('a run of no tests')
  return { bundle: first.bundle, cases: tests, loadCalls: first.loadCalls }
}
