/** Tapes of what once failed: `chronet simulate --shrink` writes them, and in `regressions/` they are played for ever. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { playTape, readTape, writeTape } from '../../src/simulator/index.ts'

const HERE = fileURLToPath(new URL('regressions/', import.meta.url))
const files = readdirSync(HERE).filter((name) => name.endsWith('.json'))

describe('what once failed', () => {
  it.each(files)('%s does not fail again', async (file) => {
    const { failure } = await playTape(readTape(readFileSync(HERE + file, 'utf8')), {
      forbidGlobals: true,
    })
    expect(failure && `${failure.id}: ${failure.why}\n${failure.last.slice(-40).join('\n')}`).toBeUndefined()
  })

  it.each(files)('%s is written as tapes are', (file) => {
    const text = readFileSync(HERE + file, 'utf8')
    expect(writeTape(readTape(text))).toBe(text)
  })
})
