/** Claims on the simulated bus: what every bus must do, and what becomes of claims when answers are lost. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { blockClaim } from '../../../src/cluster/claims/grants.ts'
import { claimIn, claimMessage } from '../../../src/cluster/claims/message.ts'
import { comesFirst } from '../../../src/cluster/claims/standing.ts'
import {
  addressKey,
  blockKey,
  CLAIM_STREAM,
  keyOfSubject,
  networkKey,
  networkOfKey,
  poolClaimKey,
  subjectOf,
  vipKey,
  vniKey,
  wordsOfKey,
} from '../../../src/cluster/claims/subjects.ts'
import type { Cidr } from '../../../events/index.ts'
import { sha256 } from '../../../src/system/hash.ts'
import { SimulatedLab } from '../../bus/simulated.ts'
import { claimContract, type ClaimBench } from './claims.ts'
import { BLOCK, ClaimingHost, NETWORK, originOf, SUBNET } from './registers.ts'

describe.each(['expectation', 'duplicates'] as const)(
  'claims, where servers look at the %s first',
  (looksFirstAt) => {
    const bench = (): ClaimBench & { readonly lab: SimulatedLab } => {
      const lab = new SimulatedLab({ looksFirstAt })
      let nowMs = 1_800_000_000_000
      return { lab, nowMs: () => nowMs, open: () => lab.open(CLAIM_STREAM), pass: (ms) => (nowMs += ms) }
    }
    let current: ReturnType<typeof bench> | undefined
    beforeEach(() => {
      current = bench()
    })
    afterEach(() => current?.lab.tearDown())
    claimContract(() => current as ClaimBench)

    it.each(['late', 'lost', 'unanswered'] as const)(
      'are made once where an answer was %s',
      async (fault) => {
        const { lab, nowMs } = current as ReturnType<typeof bench>
        const east = await ClaimingHost.open('east', await lab.open(CLAIM_STREAM), nowMs)
        lab.arbiter.faults.push(fault)
        expect(await east.block()).toMatchObject({ kind: 'granted' })
        await lab.sleep(10_000)
        expect(lab.arbiter.stream(CLAIM_STREAM.name).state().messages).toBe(1)
      },
    )

    it('are not made where nobody ever answers, though they may be there all the same', async () => {
      const { lab, nowMs } = current as ReturnType<typeof bench>
      const east = await ClaimingHost.open('east', await lab.open(CLAIM_STREAM), nowMs)
      lab.arbiter.faults.push('lost', 'late')
      await expect(east.block()).rejects.toMatchObject({ code: 'ERR_CLUSTER_UNAVAILABLE' })
      await lab.sleep(10_000)
      await east.read()
      expect(east.table.head(blockKey(NETWORK, BLOCK))).toMatchObject({ by: east.origin })
    })

    it('are missed where others were given their numbers without a word, and more came since', async () => {
      const { lab, nowMs } = current as ReturnType<typeof bench>
      const open = async (host: string) => ClaimingHost.open(host, await lab.open(CLAIM_STREAM), nowMs)
      const [east, west] = [await open('east'), await open('west')]
      const key = blockKey(NETWORK, BLOCK)
      const second = '10.0.0.64/27' as Cidr
      await east.block()
      await west.read()
      await west.block(second)
      await east.read()
      expect(await east.register.isWhole([key])).toBe(true)
      lab.arbiter.regress(CLAIM_STREAM.name, 1, true)
      const again = await open('west')
      await again.read()
      await again.register.contest(key, 'lost 1')
      await again.block(second)
      await east.read()
      // It goes on behind what it has read, and hears only of the last.
      expect(east.table.seq).toBe(3)
      expect(east.table.head(key)).not.toHaveProperty('contested')
      expect(await east.register.isWhole([key])).toBe(false)
    })
  },
)

describe('a claim', () => {
  const said = { at: '2026-01-01T00:00:00.000Z', by: originOf('east'), epoch: 1, host: 'east' } as never

  it('has a subject of its own, and pools have one together', () => {
    expect(subjectOf(blockKey(NETWORK, '10.0.3.0/27' as Cidr))).toBe(
      `chronet.claim.block.${NETWORK}.0a0003001b`,
    )
    expect(subjectOf(poolClaimKey('fd00::/64' as Cidr))).toBe('chronet.claim.pools')
    const key = networkKey(sha256, 'käse.web')
    expect(keyOfSubject(subjectOf(key))).toBe(key)
    for (const odd of ['chronet.claim.pools', 'chronet.claim.block.x.y', 'chronet.log.a'])
      expect(keyOfSubject(odd)).toBeUndefined()
  })

  it('is told in words, as far as its key says what it is', () => {
    for (const [key, words, network] of [
      [blockKey(NETWORK, 'fd00::1:200/120' as Cidr), 'block fd00::1:200/120', NETWORK],
      [vipKey(NETWORK, '10.0.15.224/32' as Cidr), 'address 10.0.15.224', NETWORK],
      [addressKey(NETWORK, 'fd00::9/128' as Cidr), 'address fd00::9', NETWORK],
      [poolClaimKey('10.0.0.0/20' as Cidr), 'pool 10.0.0.0/20', undefined],
      [vniKey(4711), 'VNI 4711', undefined],
      [networkKey(sha256, 'web'), "a network's name", undefined],
      ['block.x.y', 'block.x.y', undefined],
    ] as const)
      expect([wordsOfKey(key), networkOfKey(key)]).toEqual([words, network])
  })

  it('is what was said, or nothing: not one byte of it may differ', () => {
    const subject = subjectOf(blockKey(NETWORK, BLOCK))
    const body = blockClaim(said, { cidr: BLOCK, network: NETWORK, subnet: SUBNET })
    const message = { ...claimMessage(body, { hash: sha256, id: 'i', subject }), seq: 1 }
    expect(claimIn(message, sha256)).toEqual(body)
    const other = Buffer.from(message.payload)
    other[20] = (other[20] ?? 0) ^ 1
    expect(claimIn({ ...message, payload: other }, sha256)).toBeUndefined()
    expect(claimIn({ ...message, headers: {} }, sha256)).toBeUndefined()
  })

  it('that two hosts were granted is of the older stream, then of the earlier message, then of the lower id', () => {
    const grantee = (host: string, stream: string, seq: number) => ({
      by: host as never,
      first: { seq, stream },
    })
    for (const [first, second] of [
      [grantee('b', '1', 9), grantee('a', '2', 1)],
      [grantee('b', '1', 1), grantee('a', '1', 2)],
      [grantee('a', '1', 1), grantee('b', '1', 1)],
    ] as const)
      expect([comesFirst(first, second), comesFirst(second, first)]).toEqual([true, false])
  })
})
