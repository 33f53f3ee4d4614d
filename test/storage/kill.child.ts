/** The process that `kill` kills: eight writers append for ever; each number is printed once it is durable. */
import { writeSync } from 'node:fs'
import { openDisk } from '../../src/storage/disk.ts'
import { draft, openOn } from '../events/support.ts'

const [, , dataDir = '', runDir = ''] = process.argv
const disk = await openDisk({ dataDir, runDir })
const log = await openOn(await disk.openStore(), { origin: disk.origin })
const bootId = 'a boot'
log.onDurable(({ head }) => disk.writeHead({ bootId, hash: head.hash, seq: head.seq }))
const writer = async (name: string) => {
  for (;;) {
    const { durable, seq } = log.append(draft([name, 'effects'], { id: `${process.pid}-${log.nextSeq}` }), [])
    await durable
    writeSync(1, `${seq}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, (_, i) => writer(`endpoint/${i}`)))
