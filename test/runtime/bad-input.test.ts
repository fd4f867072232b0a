// What a caller without types may hand in. Each is refused with a code, the field and what is expected, and leaves the
// store as it is.

import "./bad-input/urls.js";
