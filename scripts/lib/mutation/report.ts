/** What the mutants came to, for people and for programs. */
import type { Mutant } from './instrument.ts'

/** `killer`: the test that noticed it; absent: none did. `reached`: whether any test runs that piece of code. */
export type Tried = { readonly killer?: string; readonly mutant: Mutant; readonly reached: boolean }

type Score = { readonly all: number; readonly file: string; readonly noticed: number }

const isNoticed = ({ killer }: Tried): boolean => killer !== undefined

/** Noticed, as a part of all; of none, all. */
export const scoreOf = (tried: readonly Tried[]): number =>
  tried.length === 0 ? 1 : tried.filter(isNoticed).length / tried.length

const scores = (tried: readonly Tried[]): readonly Score[] =>
  [...new Set(tried.map(({ mutant }) => mutant.file))].map((file) => {
    const own = tried.filter(({ mutant }) => mutant.file === file)
    return { all: own.length, file, noticed: own.filter(isNoticed).length }
  })

/** Survivors, each with its place and change, then the files with their scores. */
export function report(tried: readonly Tried[]): string {
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`.padStart(7)
  const survivors = tried.filter((each) => !isNoticed(each)).map(survivorLine)
  const files = scores(tried).map(
    ({ all, file, noticed }) => `${percent(noticed / all)}  ${`${noticed}/${all}`.padStart(9)}  ${file}`,
  )
  const total = `${percent(scoreOf(tried))}  ${`${tried.filter(isNoticed).length}/${tried.length}`.padStart(9)}  in all`
  return [...survivors, '', ...files, total].join('\n')
}

export const json = (tried: readonly Tried[]): string =>
  JSON.stringify(
    {
      files: scores(tried),
      score: scoreOf(tried),
      survivors: tried
        .filter((each) => !isNoticed(each))
        .map(({ mutant, reached }) => ({ ...mutant, reached })),
    },
    undefined,
    2,
  )

/** A mutant on one line: `events/chain.ts:52 boundary  a < b → a <= b`. */
export const mutantLine = ({ after, before, file, line, operator }: Mutant): string =>
  `${file}:${line} ${operator}  ${short(before)} → ${short(after)}`

const survivorLine = ({ mutant, reached }: Tried): string =>
  `${mutantLine(mutant)}${reached ? '' : '  (no test comes here)'}`

const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 40)} … ${line.slice(-15)}` : line
}
