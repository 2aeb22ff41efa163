// @ts-check
// The release of Prisma's engines that everything here is built on.
// prisma-client-py refuses any other, so this is a constant and not a setting.

export const ENGINE_COMMIT = '393aa359c9ad4a4bb28630fb5613f9c281cde053';
