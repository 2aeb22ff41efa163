// @ts-check
// Who is on the other end of a loopback connection. The protocol has no password, and the port is
// open to every user of the machine, so the engine serves its own user alone. The kernel says
// which user owns a socket in /proc/net/tcp.

import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const V4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/** Sixteen bytes of an IPv6 address, which Node writes in its shortest form. */
function ipv6Bytes(address) {
  const [head, tail = ''] = address.split('::');
  const groups = (text) => (text ? text.split(':') : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array(address.includes('::') ? missing : 0).fill('0'), ...groups(tail)];
  return all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}

/** Bytes as the kernel prints them: words of four in the machine's own order. */
function kernelHex(bytes) {
  const word = (at) => {
    const four = Buffer.from(bytes.slice(at, at + 4));
    return (endianness() === 'LE' ? four.reverse() : four).toString('hex');
  };
  return Array.from({ length: bytes.length / 4 }, (_, n) => word(n * 4)).join('').toUpperCase();
}

const portHex = (port) => port.toString(16).toUpperCase().padStart(4, '0');

/** An end of a connection as it may be printed: an IPv4 address in both tables. */
function spellings(address, port) {
  const v4 = V4_MAPPED.exec(address)?.[1] ?? (isIPv4(address) ? address : null);
  if (!v4) return [`${kernelHex(ipv6Bytes(address))}:${portHex(port)}`];
  const bytes = v4.split('.').map(Number);
  return [bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes]].map((form) => `${kernelHex(form)}:${portHex(port)}`);
}

/** The user that owns the far end in the text of such a table, or undefined. */
export function ownerInTable(table, { localAddress, localPort, remoteAddress, remotePort }) {
  const theirs = spellings(remoteAddress, remotePort);
  const ours = spellings(localAddress, localPort);
  for (const line of table.split('\n')) {
    const [, local, remote, , , , , uid] = line.trim().split(/\s+/);
    if (theirs.includes(local) && ours.includes(remote)) return Number(uid);
  }
  return undefined;
}

/**
 * The user at the other end of a connected socket, or undefined when it is gone.
 * @param {Partial<Pick<import('node:net').Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>>} socket
 */
export async function peerUid({ localAddress, localPort, remoteAddress, remotePort }) {
  if (!remoteAddress || !localAddress) return undefined;
  const ends = { localAddress, localPort, remoteAddress, remotePort };
  for (const path of TABLES) {
    // Without IPv6 there is no second table.
    const table = await readFile(path, 'latin1').catch(() => '');
    const uid = ownerInTable(table, ends);
    if (uid !== undefined) return uid;
  }
  return undefined;
}
