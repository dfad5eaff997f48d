//! What all plan nodes without inputs answer alike.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

/// A node of a plan.
pub(crate) type Node = Arc<dyn ExecutionPlan>;

/// What is called with each expression of a node.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>;

/// The node itself, if it is given no inputs.
pub(crate) fn without_inputs(node: Node, inputs: &[Node]) -> Result<Node> {
    match inputs {
        [] => Ok(node),
        _ => internal_err!("{} has no inputs", node.name()),
    }
}

/// The methods of [`ExecutionPlan`] about inputs and expressions over them, for a node that has none
/// and keeps its properties in a field `properties`.
macro_rules! is_a_leaf {
    () => {
        fn properties(&self) -> &std::sync::Arc<datafusion::physical_plan::PlanProperties> {
            &self.properties
        }

        fn children(&self) -> Vec<&crate::leaf::Node> {
            Vec::new()
        }

        fn apply_expressions(
            &self,
            _: crate::leaf::Visit<'_>,
        ) -> datafusion::common::Result<datafusion::common::tree_node::TreeNodeRecursion> {
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        }

        fn replace_children(
            self: std::sync::Arc<Self>,
            children: Vec<crate::leaf::Node>,
            _: datafusion::physical_plan::execution_plan::ReplaceChildrenOptions,
        ) -> datafusion::common::Result<crate::leaf::Node> {
            crate::leaf::without_inputs(self, &children)
        }

        fn with_new_children(
            self: std::sync::Arc<Self>,
            children: Vec<crate::leaf::Node>,
        ) -> datafusion::common::Result<crate::leaf::Node> {
            crate::leaf::without_inputs(self, &children)
        }
    };
}

pub(crate) use is_a_leaf;
