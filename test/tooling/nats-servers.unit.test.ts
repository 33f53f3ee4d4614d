/** Where `npm test` has nats-server from: the machine's own Debian mirror, as apt knows it. */
import { describe, expect, it } from 'vitest'

type Source = { readonly signedBy?: string; readonly suites: readonly string[]; readonly uri: string }
type Sources = {
  readonly inLine: (line: string) => readonly Source[]
  readonly inStanza: (text: string) => readonly Source[]
  readonly mirrorIn: (sources: readonly Source[], release: string | undefined) => Source | undefined
}

const DEBIAN = {
  signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
  suites: ['bookworm', 'bookworm-updates'],
  uri: 'http://deb.debian.org/debian',
}

describe("apt's sources", async () => {
  const url = new URL('../../scripts/lib/nats.mjs', import.meta.url).href
  const { inLine, inStanza, mirrorIn } = (await import(url)) as Sources

  it('are read from stanzas', () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg`
    expect(inStanza(text)).toEqual([DEBIAN])
    expect(inStanza(`Enabled: no\n${text}`)).toEqual([])
    expect(inStanza(text.replace('deb deb-src', 'deb-src'))).toEqual([])
    expect(inStanza(text.replace(/Signed-By.*/, ''))).toEqual([{ ...DEBIAN, signedBy: undefined }])
    expect(inStanza('# nothing')).toEqual([])
  })

  it.each([
    ['deb http://deb.debian.org/debian bookworm main', { suites: ['bookworm'], uri: DEBIAN.uri }],
    [
      `deb [arch=amd64 signed-by=${DEBIAN.signedBy}] http://deb.debian.org/debian sid main contrib`,
      { signedBy: DEBIAN.signedBy, suites: ['sid'], uri: DEBIAN.uri },
    ],
  ])('are read from a line: %s', (line, source) => {
    expect(inLine(line)).toEqual([source])
  })

  it.each([
    '',
    '# deb http://deb.debian.org/debian bookworm main',
    'deb-src http://deb.debian.org/debian sid main',
  ])('has none in %j', (line) => {
    expect(inLine(line)).toEqual([])
  })

  it('have the mirror that the machine has its own release from', () => {
    const others = [
      { suites: ['cloud-sdk-bookworm'], uri: 'https://packages.cloud.google.com/apt' },
      { suites: ['bookworm-security'], uri: 'http://deb.debian.org/debian-security' },
      { suites: ['bookworm'], uri: 'cdrom:[Debian]/' },
    ]
    expect(mirrorIn([...others, DEBIAN], 'bookworm')).toEqual(DEBIAN)
    expect(mirrorIn(others, 'bookworm')).toBeUndefined()
    expect(mirrorIn([DEBIAN], undefined)).toBeUndefined()
  })
})
