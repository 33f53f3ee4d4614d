/**
 * Tables that fit the terminal: an id, an address, a name is shown whole or not at all, so where there is no room the least important
 * column goes.
 */

/** A column: `rank` says how important it is; 0 stays whatever the width, higher goes sooner. */
export type Column = { readonly rank: number; readonly title: string }

const GAP = '   '

/** Characters, as far as code points tell. */
const widthOf = (text: string): number => [...text].length

/**
 * The lines, the titles first.
 * @param widthMax characters to a line; absent: no end
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widthMax = Infinity,
): readonly string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[i] ?? ''))),
  )
  const kept = fitting(columns, widths, widthMax)
  const line = (cells: readonly string[]): string =>
    kept
      .map((i) => (cells[i] ?? '') + ' '.repeat((widths[i] ?? 0) - widthOf(cells[i] ?? '')))
      .join(GAP)
      .trimEnd()
  return [line(columns.map(({ title }) => title)), ...rows.map(line)]
}

/** Indexes of the columns that there is room for. */
function fitting(columns: readonly Column[], widths: readonly number[], widthMax: number): readonly number[] {
  let kept = columns.map((_, i) => i)
  const total = (): number => kept.reduce((sum, i) => sum + (widths[i] ?? 0) + GAP.length, -GAP.length)
  while (total() > widthMax) {
    const worst = kept.reduce((a, b) => ((columns[b]?.rank ?? 0) >= (columns[a]?.rank ?? 0) ? b : a))
    if ((columns[worst]?.rank ?? 0) === 0) break
    kept = kept.filter((i) => i !== worst)
  }
  return kept
}

/** `name  value` lines, the values under each other. Pairs without a value are left out. */
export function pairs(
  all: readonly (readonly [name: string, value: string | undefined])[],
): readonly string[] {
  const given = all.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...given.map(([name]) => widthOf(name)))
  return given.map(([name, value]) => `${name}${' '.repeat(width - widthOf(name))}  ${value ?? ''}`)
}
