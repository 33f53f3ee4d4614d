/** What disks, file systems and people do to a file. */
import { open, rm, stat, truncate } from 'node:fs/promises'
import fc from 'fast-check'

/** `at`: where, as a part of the file's length. A page that is zeroed is 4 KiB. */
export type Harm = {
  readonly at: number
  readonly bit: number
  readonly kind: 'cut' | 'delete' | 'flip' | 'zero'
}

/** Does it. */
export async function harm(path: string, { at, bit, kind }: Harm): Promise<void> {
  const { size } = await stat(path)
  const where = Math.min(size - 1, Math.floor(at * size))
  if (kind === 'delete') return rm(path)
  if (kind === 'cut') return truncate(path, where)
  const file = await open(path, 'r+')
  const page = where - (where % 4096)
  const bytes = Buffer.alloc(kind === 'zero' ? Math.min(4096, size - page) : 1)
  if (kind === 'flip') {
    await file.read(bytes, 0, 1, where)
    bytes.writeUInt8(bytes.readUInt8(0) ^ (1 << bit))
  }
  await file.write(bytes, 0, bytes.length, kind === 'zero' ? page : where)
  await file.close()
}

const kinds = fc.constantFrom<Harm['kind']>('flip', 'flip', 'flip', 'zero', 'cut', 'delete')
const places = fc.nat(999_999).map((n) => n / 1_000_000)
/** Any harm, anywhere; more often a flipped bit. */
export const harms = fc.record({ at: places, bit: fc.nat(7), kind: kinds })
