//! The few calls of libumockdev, behind types that cannot be misused. Every `unsafe` of the emulator is here.
use std::ffi::{CStr, CString, c_char, c_int, c_long, c_ulong, c_void};
use std::ptr;

#[repr(C)]
struct GObject {
    class: *mut c_void,
    references: c_int,
    data: *mut c_void,
}

#[repr(C)]
struct GError {
    domain: u32,
    code: c_int,
    message: *mut c_char,
}

#[repr(C)]
struct IoctlData {
    parent: GObject,
    data: *mut u8,
    data_length: c_int,
    client_address: c_ulong,
    private: *mut c_void,
}

type Callback = unsafe extern "C" fn();

#[link(name = "glib-2.0")]
unsafe extern "C" {
    fn g_error_free(error: *mut GError);
    fn g_free(memory: *mut c_void);
}

#[link(name = "gobject-2.0")]
unsafe extern "C" {
    fn g_object_ref(object: *mut c_void) -> *mut c_void;
    fn g_object_unref(object: *mut c_void);
    fn g_signal_connect_data(
        object: *mut c_void,
        signal: *const c_char,
        callback: Callback,
        user: *mut c_void,
        destroy: *const c_void,
        flags: c_int,
    ) -> c_ulong;
}

#[link(name = "umockdev")]
unsafe extern "C" {
    fn umockdev_testbed_new() -> *mut c_void;
    fn umockdev_testbed_get_root_dir(testbed: *mut c_void) -> *mut c_char;
    fn umockdev_testbed_add_from_string(
        testbed: *mut c_void,
        description: *const c_char,
        error: *mut *mut GError,
    ) -> c_int;
    fn umockdev_testbed_remove_device(testbed: *mut c_void, path: *const c_char);
    fn umockdev_testbed_attach_ioctl(
        testbed: *mut c_void,
        node: *const c_char,
        handler: *mut c_void,
        error: *mut *mut GError,
    ) -> c_int;
    fn umockdev_testbed_detach_ioctl(
        testbed: *mut c_void,
        node: *const c_char,
        error: *mut *mut GError,
    ) -> c_int;
    fn umockdev_ioctl_base_new() -> *mut c_void;
    fn umockdev_ioctl_client_get_devnode(client: *mut c_void) -> *const c_char;
    fn umockdev_ioctl_client_get_request(client: *mut c_void) -> c_ulong;
    fn umockdev_ioctl_client_get_arg(client: *mut c_void) -> *mut IoctlData;
    fn umockdev_ioctl_client_complete(client: *mut c_void, result: c_long, error: c_int);
    fn umockdev_ioctl_data_resolve(
        data: *mut IoctlData,
        offset: usize,
        length: usize,
        error: *mut *mut GError,
    ) -> *mut IoctlData;
    fn umockdev_ioctl_data_set_ptr(
        data: *mut IoctlData,
        offset: usize,
        child: *mut IoctlData,
    ) -> c_int;
    fn umockdev_ioctl_data_update(
        data: *mut IoctlData,
        offset: usize,
        bytes: *const u8,
        length: c_int,
    );
}

/// Takes the message out of an error and frees it.
fn message(error: *mut GError) -> String {
    if error.is_null() {
        return "no reason given".to_owned();
    }
    // SAFETY: a GError that was set holds a C string; it is freed once, here.
    unsafe {
        let text = CStr::from_ptr((*error).message)
            .to_string_lossy()
            .into_owned();
        g_error_free(error);
        text
    }
}

fn text(text: &str) -> CString {
    CString::new(text).expect("no zero byte in paths and descriptions")
}

/// Memory of the client process, mirrored here; changes go back when an ioctl that holds it is completed.
pub struct Memory(*mut IoctlData);

// SAFETY: the emulator touches a `Memory` under the lock of its board only; glib's reference counts are atomic.
unsafe impl Send for Memory {}

impl Memory {
    /// Follows the pointer at `offset` to `length` bytes.
    pub fn resolve(&self, offset: usize, length: usize) -> Option<Memory> {
        if length == 0 {
            return None;
        }
        let mut error = ptr::null_mut();
        // SAFETY: `self.0` is a live object; the library checks the client's memory and answers NULL on trouble.
        let found = unsafe { umockdev_ioctl_data_resolve(self.0, offset, length, &raw mut error) };
        if !error.is_null() {
            eprintln!("umock: memory of the client: {}", message(error));
        }
        (!found.is_null()).then_some(Memory(found))
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the object owns `data_length` bytes at `data` while it lives.
        unsafe {
            let IoctlData {
                data, data_length, ..
            } = &*self.0;
            if data.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(*data, usize::try_from(*data_length).unwrap_or(0))
        }
    }

    /// Overwrites bytes; what would not fit is refused.
    pub fn update(&mut self, offset: usize, bytes: &[u8]) {
        assert!(
            offset + bytes.len() <= self.bytes().len(),
            "beyond the client's memory"
        );
        if bytes.is_empty() {
            return;
        }
        let length = c_int::try_from(bytes.len()).expect("bounded by the client's memory");
        // SAFETY: the range was checked against the object's own length.
        unsafe { umockdev_ioctl_data_update(self.0, offset, bytes.as_ptr(), length) };
    }

    /// Puts the address of `child` at `offset`, so that both go back to the client together.
    pub fn point_at(&mut self, offset: usize, child: &Memory) -> bool {
        // SAFETY: both are live objects; the library takes its own reference.
        unsafe { umockdev_ioctl_data_set_ptr(self.0, offset, child.0) != 0 }
    }

    /// Where it lies in the client.
    pub fn address(&self) -> u64 {
        // SAFETY: a live object.
        unsafe { (*self.0).client_address }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: every `Memory` holds one reference of its own.
        unsafe { g_object_unref(self.0.cast()) };
    }
}

/// A client in the middle of an ioctl, for as long as its handler runs.
pub struct Call {
    client: *mut c_void,
}

impl Call {
    /// Tells one open file from another.
    pub fn file(&self) -> usize {
        self.client as usize
    }

    pub fn node(&self) -> String {
        // SAFETY: a live client has a device node, a C string that it owns.
        unsafe { CStr::from_ptr(umockdev_ioctl_client_get_devnode(self.client)) }
            .to_string_lossy()
            .into_owned()
    }

    pub fn request(&self) -> u64 {
        // SAFETY: a live client.
        unsafe { umockdev_ioctl_client_get_request(self.client) }
    }

    /// The third argument of the ioctl, as memory that holds it.
    pub fn argument(&self) -> Memory {
        // SAFETY: the client keeps its argument; a reference of our own is taken for the `Memory`.
        unsafe {
            let argument = umockdev_ioctl_client_get_arg(self.client);
            Memory(g_object_ref(argument.cast()).cast())
        }
    }

    fn complete(self, answer: Result<i64, i32>) {
        let (result, error) = match answer {
            Ok(result) => (result as c_long, 0),
            Err(number) => (-1, number),
        };
        // SAFETY: a live client that has not been completed: `self` is consumed.
        unsafe { umockdev_ioctl_client_complete(self.client, result, error) };
    }
}

/// What answers ioctls. Called on a thread of the library.
pub trait Kernel: Send + Sync + 'static {
    /// The result, or an errno.
    fn ioctl(&self, call: &Call) -> Result<i64, i32>;
    /// An open file was closed.
    fn closed(&self, node: &str, file: usize);
}

unsafe extern "C" fn on_ioctl(_: *mut c_void, client: *mut c_void, user: *mut c_void) -> c_int {
    // SAFETY: `user` is the leaked box made in `Testbed::new`; it lives as long as the process.
    let kernel = unsafe { &*user.cast::<Box<dyn Kernel>>() };
    let call = Call { client };
    let answer = kernel.ioctl(&call);
    call.complete(answer);
    1
}

unsafe extern "C" fn on_vanished(_: *mut c_void, client: *mut c_void, user: *mut c_void) {
    // SAFETY: as above.
    let kernel = unsafe { &*user.cast::<Box<dyn Kernel>>() };
    let call = Call { client };
    kernel.closed(&call.node(), call.file());
}

/// A /sys and /dev of our own for processes started under umockdev-wrapper.
pub struct Testbed {
    testbed: *mut c_void,
    handler: *mut c_void,
}

impl Testbed {
    /// `None` when this process does not run under umockdev-wrapper.
    pub fn new(kernel: Box<dyn Kernel>) -> Option<Self> {
        // The library's own question, umockdev_in_mock_environment, says no where the wrapper is at work (0.17.16).
        let preloaded = std::env::var("LD_PRELOAD").unwrap_or_default();
        if !preloaded.contains("libumockdev-preload") {
            return None;
        }
        // SAFETY: plain constructors; the callbacks have the types of their signals, and `user` is never freed.
        unsafe {
            let testbed = umockdev_testbed_new();
            let handler = umockdev_ioctl_base_new();
            let user: *mut c_void = Box::into_raw(Box::new(kernel)).cast();
            type Ioctl = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> c_int;
            type Vanished = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void);
            let ioctl = std::mem::transmute::<Ioctl, Callback>(on_ioctl);
            let vanished = std::mem::transmute::<Vanished, Callback>(on_vanished);
            g_signal_connect_data(
                handler,
                c"handle-ioctl".as_ptr(),
                ioctl,
                user,
                ptr::null(),
                0,
            );
            g_signal_connect_data(
                handler,
                c"client-vanished".as_ptr(),
                vanished,
                user,
                ptr::null(),
                0,
            );
            Some(Self { testbed, handler })
        }
    }

    pub fn root(&self) -> String {
        // SAFETY: the string is ours to free.
        unsafe {
            let root = umockdev_testbed_get_root_dir(self.testbed);
            let text = CStr::from_ptr(root).to_string_lossy().into_owned();
            g_free(root.cast());
            text
        }
    }

    pub fn add(&self, description: &str, node: &str) -> Result<(), String> {
        let mut error = ptr::null_mut();
        // SAFETY: live objects and C strings that outlive the calls.
        unsafe {
            if umockdev_testbed_add_from_string(
                self.testbed,
                text(description).as_ptr(),
                &raw mut error,
            ) == 0
            {
                return Err(message(error));
            }
            let node = text(node);
            if umockdev_testbed_attach_ioctl(
                self.testbed,
                node.as_ptr(),
                self.handler,
                &raw mut error,
            ) == 0
            {
                return Err(message(error));
            }
        }
        Ok(())
    }

    pub fn remove(&self, path: &str, node: &str) {
        let mut error = ptr::null_mut();
        // SAFETY: live objects and C strings that outlive the calls.
        unsafe {
            if umockdev_testbed_detach_ioctl(self.testbed, text(node).as_ptr(), &raw mut error) == 0
            {
                eprintln!("umock: detach: {}", message(error));
            }
            umockdev_testbed_remove_device(self.testbed, text(&format!("/sys{path}")).as_ptr());
        }
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        // SAFETY: the last use of both; the library ends its thread and removes its folder.
        unsafe {
            g_object_unref(self.testbed);
            g_object_unref(self.handler);
        }
    }
}
