//! What the WIT versions have in common. The files beside this one are not its modules: each version includes them by path, so
//! that the same text is compiled against that version's generated types, and says in its own `versioned` where it differs.

/// The resource a guest holds during a call. What is behind it is in the store: there is one statement at a time.
pub enum Statement {}

/// Written once per enum so that a case one side lacks does not compile.
macro_rules! lowered {
    ($name:ident: $type:ident { $($case:ident),* $(,)? }) => {
        pub(super) fn $name(value: contract::$type) -> types::$type {
            match value { $(contract::$type::$case => types::$type::$case,)* }
        }
    };
}

/// Implements a version's `host.statement`: the methods that all have, and those given here.
macro_rules! statement_methods {
    ($($own:item)*) => {
        impl host::HostStatement for GuestData {
            $($own)*

            fn sql(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
                Ok(self.statement()?.sql())
            }

            fn normalized(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
                Ok(self.statement()?.normalized())
            }

            fn ast_json(&mut self, _: Resource<Statement>) -> wasmtime::Result<Option<String>> {
                Ok(self.statement()?.ast_json())
            }

            fn session(&mut self, _: Resource<Statement>) -> wasmtime::Result<types::Session> {
                Ok(lower::session(self.statement()?.session()))
            }

            fn parameters(
                &mut self,
                _: Resource<Statement>,
            ) -> wasmtime::Result<Vec<types::Parameter>> {
                let parameters = self.statement()?.parameters();
                Ok(parameters.into_iter().map(lower::parameter).collect())
            }

            fn outputs(
                &mut self,
                _: Resource<Statement>,
            ) -> wasmtime::Result<Vec<Vec<types::ColumnSourceResult>>> {
                let outputs = self.statement()?.outputs();
                Ok(outputs.into_iter().map(lower::owned_sources).collect())
            }

            fn flows(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<types::DataFlow>> {
                let flows = self.statement()?.flows();
                Ok(flows.into_iter().map(lower::flow).collect())
            }

            fn equated(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<u32>> {
                Ok(self.statement()?.equated())
            }

            fn comment_tag(
                &mut self,
                _: Resource<Statement>,
                key: String,
            ) -> wasmtime::Result<Option<String>> {
                Ok(self.statement()?.comment_tag(&key))
            }

            // Guests only ever hold borrows, and nothing hangs on those.
            fn drop(&mut self, _: Resource<Statement>) -> wasmtime::Result<()> {
                Ok(())
            }
        }
    };
}

pub(super) use {lowered, statement_methods};
