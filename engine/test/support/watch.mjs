// @ts-check
// Loaded into the engine's process (`--import`) by tests that ask how it is: at SIGUSR2 it writes a line
// with the longest time for which its event loop was busy since the last, its memory, and how long it has
// run and has waited for a processor that somebody else had (proc(5), schedstat).

import { readFileSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]);
  const [ran, waited] = readFileSync('/proc/self/schedstat', 'utf8').split(' ').map((nanoseconds) => Number(nanoseconds) / 1e6);
  const state = { longestBusy: delay.max / 1e6, resident: kilobytes('VmRSS') / 1024, mostResident: kilobytes('VmHWM') / 1024, ran, waited };
  process.stdout.write(`state ${JSON.stringify(state)}\n`);
  delay.reset();
  try {
    // The high-water mark starts anew.
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Where this is not allowed, the mark is that of the whole life, which is no smaller.
  }
});
