// Lets import find the packages of the environment that this file is in, after everything that Node.js finds itself.
// require() finds them by NODE_PATH.
import * as module from "node:module";

const base = new URL("./package.json", import.meta.url).href;
const missing = new Set(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"]);

function elsewhere(specifier, context, error) {
  if (!missing.has(error?.code) || /^(\.|\/|#|[a-z]+:)/.test(specifier)) throw error;
  return { ...context, parentURL: base };
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    return next(specifier, elsewhere(specifier, context, error));
  }
}

function resolveSync(specifier, context, next) {
  try {
    return next(specifier, context);
  } catch (error) {
    return next(specifier, elsewhere(specifier, context, error));
  }
}

if (module.registerHooks) {
  module.registerHooks({ resolve: resolveSync });
} else if (module.register && !import.meta.url.endsWith("?hooks")) {
  // The hooks are this file once more, on a thread of their own.
  module.register(import.meta.url + "?hooks");
}
