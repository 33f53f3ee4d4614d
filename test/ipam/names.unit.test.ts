/** Names that people give, at their bounds. */
import { describe, expect, it } from 'vitest'
import { checkName, quoted } from '../../src/ipam/index.ts'
import { ifNameFault } from '../../src/ipam/names.ts'

const messages = (problems: readonly { readonly message: string }[]) => problems.map((p) => p.message)

describe('a name', () => {
  it.each(['a', '7', 'web', 'Web_1.internal-net', 'f'.repeat(64)])('may be %s', (name) => {
    expect(checkName('network', name)).toEqual([])
  })

  it.each(['', ' ', '\t\n'])('is not blank: %j', (name) => {
    expect(messages(checkName('network', name))).toEqual([
      'the network has a blank name; give one, like web-1',
    ])
  })

  it('has a longest length, and not one character more', () => {
    expect(checkName('network', 'a'.repeat(128))).toEqual([])
    expect(checkName('network', 'a'.repeat(129))).toHaveLength(1)
    expect(checkName('endpoint', `${'a'.repeat(128)}-${'b'.repeat(128)}`)).toEqual([])
    expect(checkName('endpoint', 'a'.repeat(258))).toHaveLength(1)
  })

  it('is ASCII, and the refusal shows what is not', () => {
    expect(messages(checkName('sandbox', 'bücher'))).toEqual([
      "sandbox 'b\\u{fc}cher': a name has no '\\u{fc}'; take letters a to z, digits, '_', '.' and '-'",
    ])
    expect(checkName('sandbox', 'a b')).toHaveLength(1)
    expect(checkName('sandbox', 'a/b')).toHaveLength(1)
    expect(checkName('sandbox', 'a\u0000')).toHaveLength(1)
  })

  it('begins with a letter or a digit', () => {
    for (const name of ['.', '..', '-rf', '_a']) expect(checkName('network', name)).toHaveLength(1)
  })

  it('is told all its problems at once', () => {
    expect(checkName('network', `-${'é'.repeat(200)}`)).toHaveLength(3)
  })
})

describe('an interface name', () => {
  it.each(['eth0', 'e', 'a-b_c.d@e', 'x'.repeat(15)])('may be %s', (name) => {
    expect(ifNameFault(name)).toBeUndefined()
  })

  it.each([
    '',
    '.',
    '..',
    'lo',
    'all',
    'default',
    'a b',
    'a/b',
    'a:b',
    'eth%d',
    'x'.repeat(16),
    'é'.repeat(8),
  ])('is not %j', (name) => {
    expect(ifNameFault(name)).toBeTypeOf('string')
  })

  it('is measured in bytes', () => {
    expect(ifNameFault('é'.repeat(8))).toContain('16 bytes')
  })
})

describe('a quoted name', () => {
  it('shows nothing that a terminal would obey', () => {
    expect(quoted('\u001b[31mred')).toBe("'\\u{1b}[31mred'")
    expect(quoted('a'.repeat(50))).toBe(`'${'a'.repeat(40)}…'`)
  })
})
