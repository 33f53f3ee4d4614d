/** Tables, and the words for times and ids. */
import { describe, expect, it } from 'vitest'
import type { Instant } from '../../events/index.ts'
import { pairs, table } from '../../src/cli/table.ts'
import { ago, duration, list, momentOf, shortener } from '../../src/operations/words.ts'

const COLUMNS = [
  { rank: 0, title: 'NAME' },
  { rank: 1, title: 'SUBNETS' },
  { rank: 5, title: 'ID' },
  { rank: 4, title: 'SINCE' },
]
const ROWS = [
  ['web', '172.18.0.0/16', '6f1e2d3c4b5a', '3 min ago'],
  ['a-longer-name', '172.19.0.0/16, fd3c:8a::/64', '0a1b2c3d4e5f', 'now'],
]

describe('a table', () => {
  it('puts columns under each other, and no blanks at the end of a line', () => {
    expect(table(COLUMNS, ROWS)).toEqual([
      'NAME            SUBNETS                       ID             SINCE',
      'web             172.18.0.0/16                 6f1e2d3c4b5a   3 min ago',
      'a-longer-name   172.19.0.0/16, fd3c:8a::/64   0a1b2c3d4e5f   now',
    ])
  })

  it.each([
    [70, 'NAME SUBNETS ID SINCE'],
    [69, 'NAME SUBNETS SINCE'],
    [55, 'NAME SUBNETS SINCE'],
    [54, 'NAME SUBNETS'],
    [43, 'NAME SUBNETS'],
    [42, 'NAME'],
    [1, 'NAME'],
  ])('of %i characters has the columns %s', (width, titles) => {
    const lines = table(COLUMNS, ROWS, width)
    expect(lines[0]?.split(/ +/).join(' ')).toBe(titles)
    if (titles !== 'NAME') for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
  })

  it('never cuts a cell: one that is wider than the terminal stands whole', () => {
    expect(table([{ rank: 0, title: 'ID' }], [['6f'.repeat(32)]], 20)[1]).toBe('6f'.repeat(32))
  })
})

describe('pairs', () => {
  it('leave out what has no value', () => {
    expect(
      pairs([
        ['name', 'web'],
        ['mtu', undefined],
        ['driver', 'bridge'],
        ['labels', ''],
      ]),
    ).toEqual(['name    web', 'driver  bridge'])
  })
})

describe('words', () => {
  const now = Date.parse('2026-01-02T12:00:00.000Z')
  const before = (ms: number) => new Date(now - ms).toISOString() as Instant

  it.each([
    [0, 'now'],
    [999, 'now'],
    [1000, '1 s ago'],
    [59_999, '59 s ago'],
    [60_000, '1 min ago'],
    [3_599_999, '59 min ago'],
    [3_600_000, '1 h ago'],
    [86_399_999, '23 h ago'],
    [86_400_000, '1 day ago'],
    [172_800_000, '2 days ago'],
    [-5000, 'now'],
  ])('%i ms are %s', (ms, words) => expect(ago(before(ms), now)).toBe(words))

  it.each([
    [0.123, '0.1 ms'],
    [4.21, '4.2 ms'],
    [35, '35 ms'],
    [5, '5 ms'],
    [2140, '2.1 s'],
  ])('%f ms are %s', (ms, words) => expect(duration(ms)).toBe(words))

  it('short ids are as long as keeps them apart', () => {
    const [a, b] = [`${'1'.repeat(15)}a${'0'.repeat(48)}`, `${'1'.repeat(15)}b${'0'.repeat(48)}`]
    expect(shortener([a, 'f'.repeat(64)])(a)).toBe('1'.repeat(12))
    expect(shortener([a, b])(a)).toBe(`${'1'.repeat(15)}a`)
    expect(shortener([a, a])(a)).toHaveLength(12)
  })

  it('long lists say how many more there are', () => {
    expect(list(['a', 'b'])).toBe('a, b')
    expect(list(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more')
  })

  it('a time of day is today, or yesterday if it is to come; a number is a commit; the rest is left alone', () => {
    const noon = new Date(2026, 0, 2, 12, 0, 30).getTime()
    expect(momentOf('09:13', noon)).toBe(new Date(2026, 0, 2, 9, 13, 59, 999).toISOString())
    expect(momentOf('09:13:05', noon)).toBe(new Date(2026, 0, 2, 9, 13, 5, 999).toISOString())
    expect(momentOf('12:00', noon)).toBe(new Date(2026, 0, 2, 12, 0, 59, 999).toISOString())
    expect(momentOf('23:59', noon)).toBe(new Date(2026, 0, 1, 23, 59, 59, 999).toISOString())
    expect(momentOf('12', noon)).toBe('#12')
    for (const text of ['#12', '10m', 'now', '24:00', '2026-01-31T09:30:00Z'])
      expect(momentOf(text, noon)).toBe(text)
  })
})
