/**
 * As much of a test runner as the project's pure tests use, so that a mutant costs milliseconds: no process, no module loader,
 * and nothing but the tests that reach it. What they expect is vitest's own `expect`.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { format } from 'node:util'
import { chai, expect } from 'vitest'

type Body = (...given: readonly unknown[]) => unknown
type Options = { readonly timeout?: number }
type Hooks = { readonly after: Body[]; readonly before: Body[] }
type Suite = Hooks & { readonly all: Hooks; readonly name: string; readonly parent: Suite | undefined }
export type Case = { readonly name: string; readonly run: () => Promise<void> }

const hooks = (): Hooks => ({ after: [], before: [] })
const suiteOf = (name: string, parent?: Suite): Suite => ({ ...hooks(), all: hooks(), name, parent })
const chainOf = (suite: Suite | undefined): readonly Suite[] =>
  suite === undefined ? [] : [...chainOf(suite.parent), suite]

/** The tests of one file, once it has been run with {@link Collector.api} as its `vitest`. */
export class Collector {
  readonly cases: Case[] = []
  #finished: Body[] = []
  readonly #loading: Promise<unknown>[] = []
  #suite = suiteOf('')
  readonly #suites: Suite[] = [this.#suite]

  /** @param directory of the test file: what it compares with lies by it. */
  constructor(directory: string) {
    chai.util.addMethod(
      chai.Assertion.prototype,
      'toMatchFileSnapshot',
      function (this: object, path: string) {
        const text: unknown = chai.util.flag(this, 'object')
        expect(text).toBe(readFileSync(resolve(directory, path), 'utf8'))
      },
    )
  }

  /** What the file gets when it imports `vitest`. */
  api(): object {
    const describe = (name: string, body: Body, ...given: readonly unknown[]): void => {
      const outer = this.#suite
      this.#suites.push((this.#suite = suiteOf(name, outer)))
      this.#loading.push(Promise.resolve(body(...given)))
      this.#suite = outer
    }
    const it = (name: string, a: Body | Options, b?: Body | number, ...given: readonly unknown[]): void => {
      const suite = this.#suite
      const body = (typeof a === 'function' ? a : b) as Body
      const names = [...chainOf(suite).map((each) => each.name), format(name, ...given)]
      this.cases.push({ name: names.filter(Boolean).join(' > '), run: () => this.#run(suite, body, given) })
    }
    return {
      afterAll: (hook: Body) => void this.#suite.all.after.push(hook),
      afterEach: (hook: Body) => void this.#suite.after.push(hook),
      beforeAll: (hook: Body) => void this.#suite.all.before.push(hook),
      beforeEach: (hook: Body) => void this.#suite.before.push(hook),
      describe: Object.assign(describe, {
        each: (table: readonly unknown[]) => (name: string, body: Body) =>
          table.forEach((row) => describe(format(name, ...rowOf(row)), body, ...rowOf(row))),
      }),
      expect,
      it: Object.assign(it, {
        each: (table: readonly unknown[]) => (name: string, a: Body | Options, b?: Body) =>
          table.forEach((row) => it(name, a, b, ...rowOf(row))),
      }),
      onTestFinished: (hook: Body) => void this.#finished.push(hook),
    }
  }

  /** When all is known of the file, and what its tests stand on is there. */
  async ready(): Promise<void> {
    await Promise.all(this.#loading)
    for (const { all } of this.#suites) for (const hook of all.before) await hook()
  }

  async close(): Promise<void> {
    for (const { all } of this.#suites.toReversed()) for (const hook of all.after) await hook()
  }

  async #run(suite: Suite, body: Body, given: readonly unknown[]): Promise<void> {
    const suites = chainOf(suite)
    try {
      for (const { before } of suites) for (const hook of before) await hook()
      await body(...given)
      for (const { after } of suites.toReversed()) for (const hook of after) await hook()
    } finally {
      for (const hook of this.#finished.splice(0).toReversed()) await hook()
    }
  }
}

const rowOf = (row: unknown): readonly unknown[] => (Array.isArray(row) ? row : [row])
