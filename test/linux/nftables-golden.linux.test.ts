/**
 * The ruleset against what `nft` prints of it. UPDATE_GOLDEN=1 writes the files; look at the difference
 * before committing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FirewallNetworkSpec, Origin } from '../../events/index.ts'
import { openFirewall } from '../../src/kernel/linux/nftables/index.ts'
import { Lab } from './nftables-lab.ts'
import { changed, ensure, specsOf } from './nftables-specs.ts'

describe('the ruleset, as nft lists it', () => {
  const origin = `0123456789ab${'0'.repeat(52)}` as Origin
  const { a, b, firewall, internal, network, table } = specsOf(origin)

  const golden = (name: string, text: string): void => {
    const path = new URL(`../golden/nftables/${name}.nft`, import.meta.url)
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text)
    expect(text).toBe(readFileSync(path, 'utf8'))
  }

  it.each<[string, readonly FirewallNetworkSpec[]]>([
    ['skeleton', []],
    ['one-network', [a]],
    ['two-networks-and-an-internal-one', [a, b, internal]],
    ['odd-names', [network('br.1', ['0.0.0.0/0'], {}), network('br:ä"', ['10.0.0.1/32'])]],
  ])('is the golden %s, and nft can load it', async (name, networks) => {
    using lab = new Lab()
    const fw = await openFirewall({ openSocket: lab.openSocket, origin })
    const results = await fw.apply([firewall, ...networks].map(ensure))
    expect(changed(results)).toEqual([firewall, ...networks].map(() => true))
    const text = lab.nft(`list table inet ${table}`)
    golden(name, text)
    if (name !== 'odd-names') {
      // What nft makes of its own list is what we made: so nothing of ours is hidden in what it does not print.
      lab.nft('flush ruleset')
      lab.nft(text)
      const { found } = await fw.observe([firewall, ...networks], true)
      expect([...found.values()].map(({ spec }) => spec)).toEqual([firewall, ...networks])
    }
    fw.close()
  })
})
