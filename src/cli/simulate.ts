/** `simulate`: the engine in worlds of its own, where everything goes wrong. What does it is loaded when it runs. */
import type { Leaf } from './leaf.ts'

export const simulate: Leaf = {
  examples: [
    'chronet simulate --seeds 100',
    'chronet simulate --seed 42 --faults crash,disk --trace',
    'chronet simulate --seeds 1000 --shrink found',
    'chronet simulate --hosts 3 --faults bus,partition',
    'chronet simulate --hosts 3 --minutes 60 --load 120 --faults none',
    'chronet simulate --tape found/V1-42.json --trace',
    'chronet simulate --scenario attach',
  ],
  name: 'simulate',
  options: [
    {
      flags: '--seed <seed>',
      what: 'which world; with --seeds the first, a whole number (else one by chance, which is told)',
    },
    { flags: '--seeds <n>', what: 'how many worlds, one after another (1)' },
    { flags: '--hosts <n>', what: 'machines in a world; several are a cluster (1)' },
    { flags: '--minutes <n>', what: 'of virtual time in which things go wrong (10)' },
    {
      flags: '--load <n>',
      what: 'commands an hour on each host that attach and detach containers one by one (else thousands by careless clients)',
    },
    {
      flags: '--faults <groups>',
      what: 'some of client,clock,crash,disk,human,kernel, of several hosts bus,partition too, or none (all)',
    },
    {
      flags: '--scenario <name>',
      what: 'a story told again with a crash at each port call, instead of worlds of chance',
    },
    {
      flags: '--crash-at <point>',
      what: 'of a scenario one crash only: 12:before, 12:after, two as 12:before,3:after, or none',
    },
    {
      flags: '--pairs <n>',
      what: 'of a scenario second crashes too: at every n-th call of the start after the first (0, none)',
    },
    { flags: '--tape <file>', what: 'play what --shrink has written' },
    {
      flags: '--shrink [dir]',
      what: 'make what fails as small as it goes, and write it into a directory (here)',
    },
    { flags: '--trace', what: 'every port call and act' },
  ],
  run: async (session, _args, values) => (await import('./simulation.ts')).simulate(session, values),
  summary: 'run the engine in simulated worlds, and look for what breaks',
  text:
    'The real engine runs on virtual time, with disks, kernels, people and clients that are simulated. Nothing of this machine is touched. ' +
    'The same seed gives the same run. Exit status 1 if an invariant broke; what to type to see it again is told. See docs/simulation.md.',
}
