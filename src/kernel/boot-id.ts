/** Which boot this is (random(4)). */
import { readFileSync } from 'node:fs'

/** @throws where there is no Linux */
export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
