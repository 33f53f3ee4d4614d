import { kernelContract } from '../contracts/kernel.ts'
import { LinuxMachine } from './machine.ts'

kernelContract('linux', () => LinuxMachine.make())
