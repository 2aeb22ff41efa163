// @ts-check
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { endianness } from 'node:os';
import { describe, it } from 'node:test';

import { ownerInTable, peerUid } from '../src/peer.mjs';

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const line = (local, remote, uid) => `   0: ${local} ${remote} 01 00000000:00000000 00:00000000 00000000  ${uid}        0 42 1 0 20 4 0 10 -1\n`;

describe('the owner of the far end', { skip: endianness() !== 'LE' && 'the tables here are from a little-endian machine' }, () => {
  const ends = { localAddress: '127.0.0.1', localPort: 4000, remoteAddress: '127.0.0.1', remotePort: 50000 };

  it('is in the line that has the ends the other way round', () => {
    const table = HEADER + line('0100007F:0FA0', '0100007F:C350', 0) + line('0100007F:C350', '0100007F:0FA0', 1500);
    assert.equal(ownerInTable(table, ends), 1500);
  });

  it('is nobody when only one end fits', () => {
    const table = HEADER + line('0100007F:C350', '0100007F:0FA1', 1500) + line('0200007F:C350', '0100007F:0FA0', 1501);
    assert.equal(ownerInTable(table, ends), undefined);
  });

  it('is found under an IPv4 address in its IPv6 form, from either side', () => {
    const mapped = '0000000000000000FFFF00000100007F';
    const table = HEADER + line(`${mapped}:C350`, `${mapped}:0FA0`, 1500);
    assert.equal(ownerInTable(table, ends), 1500);
    const asNodeSays = { ...ends, localAddress: '::ffff:127.0.0.1', remoteAddress: '::ffff:127.0.0.1' };
    assert.equal(ownerInTable(table, asNodeSays), 1500);
    assert.equal(ownerInTable(HEADER + line('0100007F:C350', '0100007F:0FA0', 7), asNodeSays), 7);
  });

  it('is found under an IPv6 address', () => {
    const loopback = '00000000000000000000000001000000';
    const table = HEADER + line(`${loopback}:C350`, `${loopback}:0FA0`, 1500);
    assert.equal(ownerInTable(table, { ...ends, localAddress: '::1', remoteAddress: '::1' }), 1500);
  });
});

/** A connected pair on an address, or null where this machine has no such address. */
async function pair(context, host, address) {
  const server = createServer();
  context.after(() => server.close());
  const listening = once(server, 'listening');
  server.listen(0, host);
  try {
    await listening;
  } catch {
    return null;
  }
  const connected = once(server, 'connection');
  const client = connect(/** @type {import('node:net').AddressInfo} */ (server.address()).port, address);
  context.after(() => client.destroy());
  const [socket] = await connected;
  context.after(() => socket.destroy());
  return { client, socket };
}

for (const [host, address] of [
  ['127.0.0.1', '127.0.0.1'],
  ['::', '127.0.0.1'],
  ['::1', '::1'],
]) {
  it(`the kernel knows a connection from ourselves to ${address} on ${host}`, { timeout: 10_000 }, async (context) => {
    const ends = await pair(context, host, address);
    if (!ends) return context.skip(`no address ${host} on this machine`);
    assert.equal(await peerUid(ends.socket), process.getuid());
    ends.socket.destroy();
    assert.equal(await peerUid(ends.socket), undefined);
  });
}
