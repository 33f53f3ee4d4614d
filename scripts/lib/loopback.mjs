/**
 * Brings `lo` up in the network namespace that it is started in, without `ip`: a fresh machine has none.
 * One ioctl, SIOCSIFFLAGS, with a struct ifreq: 16 bytes of name, then the flags (netdevice(7)).
 */
import koffi from 'koffi'

const AF_INET = 2
const SOCK_DGRAM = 2
const SIOCSIFFLAGS = 0x8914
const IFF_UP = 1

const libc = koffi.load(null)
const socket = libc.func('int socket(int, int, int)')
const ioctl = libc.func('int ioctl(int, unsigned long, void *)')

const request = Buffer.alloc(40)
request.write('lo')
request.writeInt16LE(IFF_UP, 16)
if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, request) !== 0) {
  throw new Error(`lo does not come up: errno ${koffi.errno()}`)
}
