/** Which servers are trusted with who came first. */
import { describe, expect, it } from 'vitest'
import { SERVER_VERSION_MIN } from '../../src/bus/bus.ts'
import { checkServer, isOlder } from '../../src/bus/server-version.ts'

describe('server versions', () => {
  it.each([
    ['2.9.10', '2.11.0', true],
    ['2.10.27', '2.11.0', true],
    ['2.11.0', '2.11.0', false],
    ['2.11.1', '2.11.0', false],
    ['2.11.0', '2.11.1', true],
    ['2.15.1', '2.11.0', false],
    ['3.0.0', '2.11.0', false],
    ['1.99.99', '2.11.0', true],
    ['2.11', '2.11.0', false],
    ['2.11.0-beta.1', '2.11.0', false],
    ['2.12.0-RC.3', '2.11.0', false],
    ['2.10.0-preview.9', '2.11.0', true],
  ])('%s older than %s: %s', (version, than, older) => {
    expect(isOlder(version, than)).toBe(older)
  })

  it('refuses what is too old, and names both', () => {
    expect(() => checkServer('2.10.29', false)).toThrow(
      expect.objectContaining({
        code: 'ERR_SERVER_UNSUPPORTED',
        details: { least: SERVER_VERSION_MIN, version: '2.10.29' },
        message: expect.stringContaining('2.10.29 is too old') as string,
      }) as Error,
    )
  })

  it.each(['nonsense', '', 'v2.15.1'])('refuses %j, which is no version', (version) => {
    expect(() => checkServer(version, false)).toThrow('is too old')
  })

  it.each([
    [SERVER_VERSION_MIN, false],
    ['2.15.1', false],
    ['2.9.10', true],
  ])('takes %s, allowed: %s', (version, isAllowed) => {
    expect(() => checkServer(version, isAllowed)).not.toThrow()
  })
})
