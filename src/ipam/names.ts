/**
 * Names that people give: of networks, endpoints and sandboxes, and of interfaces within a sandbox.
 *
 * libnetwork takes any name that is not blank. Here a name is what other programs can hold too, a file, a DNS label or a
 * label of metrics: ASCII letters, digits, `_`, `.` and `-`, with a letter or digit first, as Docker has it for containers.
 */
import type { Problem } from '../../events/index.ts'

export type NamedKind = 'endpoint' | 'network' | 'sandbox' | 'service'

/** Longest names, characters. Containers' ids (64) are names of sandboxes; an endpoint's may be made of both others. */
export const NAME_CHARS_MAX = {
  endpoint: 257,
  network: 128,
  sandbox: 128,
  service: 128,
} as const satisfies Record<NamedKind, number>
/** Nearly every name: what is not like this is told why. */
const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/
/** Longest name of an interface, bytes: IFNAMSIZ - 1 (linux/if.h). */
export const IF_NAME_BYTES_MAX = 15

/** Names that no interface can have: the loopback's, and what the kernel's sysctl folders call all and future ones. */
const RESERVED_IF_NAMES: ReadonlySet<string> = new Set(['.', '..', 'all', 'default', 'lo'])

/** Longest host and domain name, characters (RFC 1035, section 2.3.4, as text). */
const HOSTNAME_CHARS_MAX = 253

/** What is wrong with a host or domain name (RFC 1123, section 2.1; underscores are let through); empty: nothing. */
export function checkHostname(field: 'domain' | 'hostname', name: string | undefined): readonly Problem[] {
  if (name === undefined || name === '') return []
  const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
  if (name.length <= HOSTNAME_CHARS_MAX && name.split('.').every((part) => label.test(part))) return []
  const rule = `labels of letters, digits and hyphens, 63 characters at most, ${HOSTNAME_CHARS_MAX} in all`
  return [{ code: 'ERR_INVALID', field, message: `${field} ${quoted(name)}: give ${rule}` }]
}

/** All that is wrong with the form of a name; empty: nothing. Whether it is taken is not asked here. */
export function checkName(kind: NamedKind, name: string): readonly Problem[] {
  if (name.length <= NAME_CHARS_MAX[kind] && WELL_FORMED.test(name)) return []
  const invalid = (message: string): Problem => ({ code: 'ERR_INVALID', field: 'name', message })
  if (name.trim() === '') return [invalid(`the ${kind} has a blank name; give one, like web-1`)]
  const problems: Problem[] = []
  const longest = NAME_CHARS_MAX[kind]
  if (name.length > longest)
    problems.push(
      invalid(`${kind} ${quoted(name)}: the name has ${name.length} characters; ${longest} are the most`),
    )
  const strange = charactersNotIn(name, /[A-Za-z0-9_.-]/)
  if (strange.length > 0)
    problems.push(
      invalid(
        `${kind} ${quoted(name)}: a name has no ${listed(strange)}; take letters a to z, digits, '_', '.' and '-'`,
      ),
    )
  if (/^[_.-]/.test(name))
    problems.push(invalid(`${kind} ${quoted(name)}: a name begins with a letter or a digit`))
  return problems
}

/**
 * All that is wrong with the form of an interface name, as one sentence; undefined: nothing. What the kernel takes
 * (`dev_valid_name`, net/core/dev.c) is less than printable ASCII: no `/`, `:` or white space, and `%` makes a pattern.
 */
export function ifNameFault(name: string): string | undefined {
  if (name === '') return 'the name is empty; give one, as eth0'
  if (RESERVED_IF_NAMES.has(name)) return 'the kernel uses that name itself; take another'
  const faults: string[] = []
  const bytes = utf8Length(name)
  if (bytes > IF_NAME_BYTES_MAX)
    faults.push(`the name has ${bytes} bytes, and the kernel takes ${IF_NAME_BYTES_MAX}`)
  const strange = charactersNotIn(name, /[!-$&-.0-9;-~]/)
  if (strange.length > 0) faults.push(`a name has no ${listed(strange)}`)
  return faults.length === 0 ? undefined : faults.join('; ')
}

/** A name as messages show it: cut when long, everything but printable ASCII as escapes, so that no terminal obeys it. */
export function quoted(name: string): string {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name
  return `'${shown.replace(/[^ -~…]/gu, escaped)}'`
}

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** Each character that `allowed` does not match, once. */
const charactersNotIn = (name: string, allowed: RegExp): string[] => [
  ...new Set([...name].filter((character) => !allowed.test(character))),
]

const listed = (characters: readonly string[]): string => {
  const shown = characters.slice(0, 5).map((c) => (c === ' ' ? 'blank' : quoted(c)))
  return `${shown.join(', ')}${characters.length > 5 ? ', …' : ''}`
}

/** Bytes of a text in UTF-8; a lone surrogate counts as the three of U+FFFD. */
const utf8Length = (text: string): number =>
  [...text].reduce((bytes, character) => bytes + bytesOf(character.codePointAt(0) ?? 0), 0)

const bytesOf = (point: number): number => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4)
