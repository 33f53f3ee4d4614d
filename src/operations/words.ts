/**
 * Times, durations and ids as people read them. Times are shown in the machine's zone, as `ls -l` does; JSON has them in UTC.
 */
import type { Instant } from '../../events/index.ts'

const two = (n: number): string => String(n).padStart(2, '0')

/** `09:12:04.113`; with the date in front if that is another day than `nowMs`. */
export function clock(at: Instant, nowMs: number): string {
  const then = new Date(at)
  const ms = String(then.getMilliseconds()).padStart(3, '0')
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}.${ms}`
  return day(then) === day(new Date(nowMs)) ? time : `${day(then)} ${time}`
}

const day = (date: Date): string => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

const UNITS: readonly (readonly [ms: number, one: string, many: string])[] = [
  [86_400_000, 'day', 'days'],
  [3_600_000, 'h', 'h'],
  [60_000, 'min', 'min'],
  [1000, 's', 's'],
]

/** `3 min ago`: the largest unit that fits, rounded down. */
export function ago(at: Instant, nowMs: number): string {
  const past = nowMs - Date.parse(at)
  for (const [ms, one, many] of UNITS) {
    const n = Math.floor(past / ms)
    if (n >= 1) return `${n} ${n === 1 ? one : many} ago`
  }
  return 'now'
}

/** `870 B`, `1.4 kB`, `23 MB`: two digits that matter. */
export function bytes(n: number): string {
  const [unit, size] =
    n >= 1e9 ? ['GB', n / 1e9] : n >= 1e6 ? ['MB', n / 1e6] : n >= 1000 ? ['kB', n / 1000] : ['B', n]
  return `${size < 10 && !Number.isInteger(size) ? size.toFixed(1) : size.toFixed(0)} ${unit}`
}

/** `1.3 ms`, `35 ms`, `2.1 s`: two digits that matter. */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms < 10 && !Number.isInteger(ms) ? ms.toFixed(1) : ms.toFixed(0)} ms`
}

const SHORT_CHARS = 12

/** Ids of one list, short as far as they stay apart. */
export function shortener(ids: Iterable<string>): (id: string) => string {
  const all = [...new Set(ids)]
  let chars = SHORT_CHARS
  while (chars < 64 && new Set(all.map((id) => id.slice(0, chars))).size < all.length) chars += 4
  return (id) => id.slice(0, chars)
}

/** An id alone. */
export const shortId = (id: string): string => id.slice(0, SHORT_CHARS)

/** `1 network`, `2 networks`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

/** The words one after the other; of more than so many, the first and how many more. */
export function list(words: readonly string[], most = 6): string {
  if (words.length <= most) return words.join(', ')
  return `${words.slice(0, most).join(', ')} and ${words.length - most} more`
}

/** `09:13` or `09:13:30`, today or, if that is to come, yesterday; anything else as it was. For `--at`, `--since`. */
export function momentOf(text: string, nowMs: number): string {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text)
  if (match === null) return /^\d+$/.test(text) ? `#${text}` : text
  const then = new Date(nowMs)
  // All of that minute or second is meant.
  const second = match[3] === undefined ? 59 : Number(match[3])
  then.setHours(Number(match[1]), Number(match[2]), second, 999)
  const begins = match[3] === undefined ? then.getTime() - 59_999 : then.getTime() - 999
  if (begins > nowMs) then.setDate(then.getDate() - 1)
  return then.toISOString()
}
