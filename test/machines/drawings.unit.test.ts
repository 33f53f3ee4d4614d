/** The drawn machines are the machines. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DRAWINGS, drawings } from '../../scripts/draw-machines.ts'

describe('docs/machines', () => {
  it.each(drawings())('%s is as the machine draws it (npm run docs)', (name, text) => {
    expect(readFileSync(`${DRAWINGS}${name}`, 'utf8')).toBe(text)
  })

  it('has a page for each machine and no other', () => {
    expect(readdirSync(DRAWINGS).sort()).toEqual(drawings().map(([name]) => name))
  })
})
