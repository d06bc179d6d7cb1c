// Swaps a folder of a tree for a link to elsewhere and back, as fast as it can, until it is ended; prints how often on SIGTERM.
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';

const [folder = '', elsewhere = ''] = process.argv.slice(2);
let swaps = 0;
const putBack = () => {
  try {
    renameSync(`${folder}.real`, folder);
  } catch {
    // The governor has made the folder anew in between.
    renameSync(folder, `${folder}.made-${swaps}`);
    renameSync(`${folder}.real`, folder);
  }
};
const sleep = (ms: number) => ms > 0 && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const swap = () => {
  for (let n = 0; n < 8; n++) {
    renameSync(folder, `${folder}.real`);
    symlinkSync(elsewhere, folder);
    // Long enough now and then for a change to come to its end in between, and for it to be caught at any point.
    sleep(n % 2);
    unlinkSync(folder);
    putBack();
    sleep(2 * n);
    swaps++;
  }
  setImmediate(swap);
};
process.on('SIGTERM', () => {
  console.log(swaps);
  process.exit(0);
});
console.log('swapping');
swap();
