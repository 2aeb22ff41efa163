// What eslint looks at is given on its command line (package.json beside the engine).

import js from '@eslint/js';
import globals from 'globals';

export default [
  js.configs.recommended,
  // Without an extension Node 18 reads it as CommonJS.
  { files: ['generate'], languageOptions: { sourceType: 'commonjs' } },
  {
    languageOptions: { globals: globals.node },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-implicit-coercion': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
];
