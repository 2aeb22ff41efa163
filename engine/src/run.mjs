// @ts-check
// What Node.js is given to run: the process of main.mjs with this process's arguments.

import { main } from './main.mjs';

main(process.argv.slice(2), process.env);
