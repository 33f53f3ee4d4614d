/** Which files and mutants are meant. */

/** Whether a path fits one of the patterns, separated by commas outside of braces: `*` within a folder, `**` across, `{a,b}`. */
export function isMatch(patterns: string, path: string): boolean {
  const source = patterns.replace(/\*\*\/?|\*|[{},]|[^\w*{},/]/g, (part) => MEANINGS.get(part) ?? `\\${part}`)
  return new RegExp(`^(?:${source})$`).test(path)
}

const MEANINGS = new Map([
  ['**/', '(?:.*/)?'],
  ['**', '.*'],
  ['*', '[^/]*'],
  ['{', '(?:'],
  ['}', ')'],
  [',', '|'],
])

/** So many of them, in their order; the same for the same seed. */
export function sampleOf<T>(all: readonly T[], count: number, seed: number): readonly T[] {
  const places = all.map((_, i) => i)
  let state = seed >>> 0
  for (let i = places.length - 1; i > 0; i--) {
    // xorshift32; zero would stay zero.
    state ^= (state || 1) << 13
    state ^= state >>> 17
    state = (state ^ (state << 5)) >>> 0
    const j = state % (i + 1)
    ;[places[i], places[j]] = [places[j] as number, places[i] as number]
  }
  const kept = new Set(places.slice(0, count))
  return all.filter((_, i) => kept.has(i))
}
