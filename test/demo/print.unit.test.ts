/** How the demo's lines look. */
import { describe, expect, it } from 'vitest'
import { claim, claimSame, failureOf } from '../../src/demo/claim.ts'
import { jsonPrinter, linePrinter, painter, tableLines, type Told } from '../../src/demo/print.ts'

const told: Told = { commits: [2, 3], ms: 4.23, number: 1, proof: 'bridge up', what: 'network create web' }

function written(wanted: boolean, ...all: readonly Told[]): string {
  let text = ''
  const printer = linePrinter((more) => (text += more), painter(wanted))
  for (const each of all) printer.step(each)
  return text
}

describe('a line', () => {
  it('has number, what, commits, milliseconds and proof in columns', () => {
    expect(written(false, told)).toBe(
      '  1  network create web                       #2-#3       4.2 ms   bridge up\n',
    )
  })

  it('leaves out what there is not, and keeps the columns', () => {
    const [first = '', second = ''] = written(false, told, {
      number: 12,
      proof: 'refused',
      what: 'a tries c',
    }).split('\n')
    expect(second.indexOf('refused')).toBe(first.indexOf('bridge'))
    expect(second.indexOf('a tries')).toBe(first.indexOf('network'))
  })

  it.each([
    [0.2345, '0.23 ms'],
    [4.2345, '4.2 ms'],
    [38.4, '38 ms'],
  ])('shows %d ms with the digits that matter', (ms, text) => {
    expect(written(false, { ...told, ms })).toContain(` ${text}   `)
  })

  it('names one commit once', () => {
    expect(written(false, { ...told, commits: [4, 4] })).toContain(' #4  ')
  })

  it('has colours only where they are wanted, and the same text', () => {
    const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')
    expect(written(false, told)).not.toMatch(colour)
    expect(written(true, told)).toMatch(colour)
    expect(written(true, told).replaceAll(colour, '')).toBe(written(false, told))
  })

  it('says what was expected and what was seen when a claim does not hold, in red', () => {
    const failure = { expected: '3/3', seen: '0/3' }
    const text = written(false, { ...told, failure })
    expect(text).toContain('FAILED\n      expected  3/3\n      seen      0/3\n')
    expect(written(true, { ...told, failure })).toBe(`\u001b[31m${text}\u001b[0m`)
  })

  it('has its tables below it', () => {
    const table = { rows: [['NAME', 'STATE'], ['web', 'created']], title: 'at #3' } // prettier-ignore
    expect(written(false, { ...told, tables: [table] })).toMatch(
      /bridge up\n\n {6}at #3\n {6}NAME {3}STATE\n {6}web {4}created\n\n$/,
    )
  })
})

describe('a table', () => {
  it('is as wide as its widest cells and ends no line in blanks', () => {
    expect(tableLines([['A', 'B'], ['long', ''], ['', 'c']])).toEqual(['A      B', 'long', '       c']) // prettier-ignore
  })
})

describe('for programs', () => {
  it('is an object a line, with whether it held', () => {
    const lines: string[] = []
    const printer = jsonPrinter((line) => lines.push(line))
    printer.open('nowhere')
    printer.step(told)
    printer.step({ ...told, failure: { expected: 'a', seen: 'b' } })
    printer.close(1, 2)
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { ...told, ok: true },
      { ...told, failure: { expected: 'a', seen: 'b' }, ok: false },
    ])
  })
})

describe('a claim', () => {
  it('gives back what was seen when it holds', () => {
    expect(claim('3/3', '3/3')).toBe('3/3')
  })

  it('tells both sides when it does not', () => {
    const failed = (act: () => unknown): unknown => {
      try {
        return act()
      } catch (error) {
        return failureOf(error)
      }
    }
    expect(failed(() => claim('3/3', '0/3'))).toEqual({ expected: '3/3', seen: '0/3' })
    expect(failed(() => claimSame('nothing leaked', ['a', 'b'], ['b', 'c']))).toEqual({
      expected: 'nothing leaked',
      seen: 'a is missing · c is too much',
    })
    expect(failed(() => JSON.parse('{'))).toMatchObject({ expected: 'that it works' })
  })
})
